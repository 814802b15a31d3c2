"""A small MCP server: ``python mcp_server.py`` speaks over standard input and output."""

import base64
from typing import Any

from mcp.server.fastmcp import FastMCP, Image

from tests.langchain.media import PNG64

server = FastMCP("weather")


@server.tool("weather.get")
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@server.tool(structured_output=False)
def draw_map(region: str) -> list[Any]:
    """Draw the map of a region."""
    return [f"The map of {region}.", Image(data=base64.b64decode(PNG64), format="png")]


@server.tool()
def fail(reason: str) -> str:
    """Fail for a reason."""
    raise ValueError(reason)


if __name__ == "__main__":
    server.run()
