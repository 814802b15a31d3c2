"""The names of attributes are those of OpenTelemetry's conventions."""

from __future__ import annotations

from opentelemetry.semconv._incubating.attributes import error_attributes, exception_attributes, gen_ai_attributes

from portkey_gateway import semconv


def test_every_standard_name_is_one_of_opentelemetrys() -> None:
    ours = {value for name, value in vars(semconv).items() if name.isupper()}
    standard = {value for value in ours if value.startswith(("gen_ai.", "error.", "exception."))}
    modules = (error_attributes, exception_attributes, gen_ai_attributes)
    theirs = {value for module in modules for value in vars(module).values() if isinstance(value, str)}
    assert len(standard) > 20
    assert standard <= theirs
