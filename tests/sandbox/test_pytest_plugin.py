"""The fixture as another project's tests see it: each test here runs pytest in a process of its own."""

import pytest

from portkey_gateway.sandbox.install import CACHE_VARIABLE, cache_directory

ASK = """
    import httpx, pytest

    URLS = set()

    @pytest.mark.parametrize("turn", range(2))
    def test_ask(portkey_sandbox, turn):
        URLS.add(portkey_sandbox.base_url)
        reply = httpx.post(
            portkey_sandbox.base_url + "/chat/completions",
            headers={
                "x-portkey-provider": portkey_sandbox.provider,
                "x-portkey-custom-host": portkey_sandbox.custom_host,
                "Authorization": "Bearer " + portkey_sandbox.provider_api_key,
            },
            json={"model": portkey_sandbox.model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
        )
        assert reply.status_code == 200
        assert len(URLS) == 1
"""


CACHE = str(cache_directory())  # read before `pytester` moves HOME


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv(CACHE_VARIABLE, CACHE)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error")
    return pytester


@pytest.mark.parametrize("options", [(), ("--disable-socket", "--allow-hosts=127.0.0.1")])
def test_fixture_serves_the_whole_session(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    pytester.makepyfile(ASK)
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=2)


def test_fixture_is_listed_with_its_purpose(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["portkey_sandbox [[]session scope[]]*", "*gateway with an emulated Claude behind it*"])


def test_another_fixture_has_an_openai_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_both(portkey_sandbox_with_openai):
            sandbox = portkey_sandbox_with_openai
            assert sandbox.openai.requests == sandbox.claude.requests == []
            assert [target["provider"] for target in sandbox.config()["targets"]] == ["openai", "anthropic"]
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_plugin_imports_nothing_heavy_until_the_fixture_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_modules():
            assert "portkey_gateway.sandbox.pytest_plugin" in sys.modules
            heavy = {"anthropic", "openai", "PIL", "pypdf", "starlette", "uvicorn", "portkey_gateway.sandbox.sandbox"}
            assert not heavy & set(sys.modules)
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_missing_extra_fails_the_fixture_and_only_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import sys; sys.modules['uvicorn'] = None")
    pytester.makepyfile("""
        def test_without():
            assert True

        def test_with(portkey_sandbox):
            raise AssertionError("never reached")
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['*pip install "portkey-frameworks[[]sandbox[]]"*'])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_sandbox_that_does_not_start_fails_the_fixture_with_its_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTKEY_SANDBOX_NODE", "/no/such/node")
    pytester.makepyfile("def test_with(portkey_sandbox): raise AssertionError('never reached')")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Node.js 20 or newer*"])
