"""Who is let in, and what a browser is told."""

from __future__ import annotations

import pytest

from tests.web.conftest import BASE, TOKEN


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(stranger) -> None:
    answer = stranger.get(f"/plugins/hostile?token={TOKEN}&lang=pt")
    assert (answer.status_code, answer.headers["location"]) == (303, "/plugins/hostile?lang=pt")
    cookie = answer.headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    stranger.cookies.clear()


@pytest.mark.parametrize("path", ["/", "/plugins/hostile", "/runs", "/workers", "/runs/x/download/npz"])
def test_without_the_token_nothing_is_shown(stranger, path: str) -> None:
    stranger.cookies.clear()
    for address in (path, f"{path}?token=wrong"):
        answer = stranger.get(address)
        assert answer.status_code == 403
        assert "hostile" not in answer.text


def test_a_stranger_learns_nothing_from_a_page_that_is_missing(reader) -> None:
    reader.client.cookies.clear()
    answer = reader.client.get("/static/nothing")
    assert answer.status_code == 404
    assert reader.csrf not in answer.text
    assert reader.csrf in reader.get("/static/nothing").text


@pytest.mark.parametrize("path", ["/sta%09tic/page.js", "/%0Astatic/page.js", "/s%0Dtatic/x"])
def test_only_the_path_that_is_routed_by_opens_the_gate(stranger, path: str) -> None:
    stranger.cookies.clear()
    assert stranger.get(path).status_code == 403


def test_a_wrong_cookie_is_no_cookie(stranger) -> None:
    assert stranger.get("/", headers={"Cookie": "platform_base_8420=x"}).status_code == 403


@pytest.mark.parametrize(
    "host",
    ["attacker.example", "attacker.example:8420", "127.0.0.1.attacker.example", "localhost@attacker.example", ""],
)
def test_a_name_that_was_made_to_point_here_is_refused(reader, host: str) -> None:
    assert reader.get("/", Host=host).status_code == 421
    assert reader.client.get(f"/?token={TOKEN}", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1:8420", "[::1]:8420", "LOCALHOST:8420"])
def test_this_machine_by_its_own_names(reader, host: str) -> None:
    assert reader.get("/", Host=host).status_code == 200


@pytest.mark.parametrize(
    "origin", [None, "null", "http://attacker.example", "http://127.0.0.1:9999", "https://127.0.0.1:8420"]
)
def test_a_form_of_another_page_is_refused(reader, origin: str | None) -> None:
    headers = {**reader.cookies} if origin is None else {**reader.cookies, "Origin": origin}
    answer = reader.client.post(f"/plugins/hostile/run?csrf={reader.csrf}", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("word", ["", "wrong"])
def test_a_form_without_the_word_of_the_page_is_refused(reader, word: str) -> None:
    headers = {**reader.cookies, "Origin": BASE}
    assert reader.client.post(f"/plugins/hostile/run?csrf={word}", headers=headers).status_code == 403


def test_the_word_may_come_from_the_script(reader) -> None:
    headers = {**reader.cookies, "Origin": BASE, "X-CSRF-Token": reader.csrf}
    assert reader.client.post("/plugins/nothing/run", headers=headers).status_code == 404


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/nowhere", "/?token=wrong"])
def test_every_answer_forbids_what_the_page_does_not_need(reader, path: str) -> None:
    headers = reader.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_pages_are_not_kept_by_the_browser(reader) -> None:
    assert reader.get("/").headers["cache-control"] == "no-store"


def test_a_path_that_begins_with_two_slashes_leads_to_no_other_host(stranger) -> None:
    answer = stranger.get(f"{BASE}//attacker.example/?token={TOKEN}")
    assert not answer.headers["location"].startswith("//")
    stranger.cookies.clear()


def test_no_script_and_no_style_stands_in_a_page(reader) -> None:
    for path in ("/", "/plugins/hostile", "/runs", "/workers"):
        text = reader.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text
        assert " onclick" not in text


def test_a_request_that_is_too_large_is_refused_before_it_is_read(reader) -> None:
    answer = reader.post("/plugins/hostile/run", data={"p.word": "x" * (5 << 20)})
    assert answer.status_code == 413


@pytest.mark.parametrize("announced", ["9" * 5000, "-1", "1e3", ""])
def test_a_length_that_is_none_or_has_thousands_of_digits_is_refused(reader, announced) -> None:
    answer = reader.post("/plugins/hostile/run", data={"p.word": "x"}, **{"Content-Length": announced})
    assert answer.status_code == 413


def test_a_program_with_the_token_may_read_and_nothing_else(reader) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    answer = reader.client.get("/metrics", headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "platform_base_calls_total" in answer.text
    assert reader.client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert reader.client.get("/metrics").status_code == 403
    posted = {**bearer, "Origin": BASE, "X-CSRF-Token": reader.csrf}
    assert reader.client.post("/plugins/hostile/run", headers=posted).status_code == 403
