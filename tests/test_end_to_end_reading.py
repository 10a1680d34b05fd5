"""What is refused, and what is left out, in a house of real processes."""

from tests.running import Running, ids


def test_an_example_that_is_not_there_is_refused_by_its_place(running: Running) -> None:
    refused = running.post("/v1/search", {"parts": [{"product_id": "nope"}]})
    assert refused.status_code in (400, 404)
    told = refused.json()
    assert told["field"] == "parts[0].product_id"
    assert "send a photo" in told["detail"]


def test_what_nothing_reads_is_refused_by_its_place(running: Running) -> None:
    asked = {"text": "dress", "understand": {"ignore": ["color:navy", "nope"]}}
    refused = running.post("/v1/search", asked)
    assert (refused.status_code, refused.json()["field"]) == (400, "understand.ignore[1]")


def test_an_unknown_exclusion_changes_no_page(running: Running) -> None:
    plain = running.search(text="navy dress")
    found = running.search(text="navy dress", exclude=["zzzz", ".*"])
    assert ids(found) == ids(plain)
    told = [(each["value"], each["effect"]) for each in found["understood"]]
    assert told[-2:] == [("zzzz", "unknown"), (".*", "unknown")]


def test_prices_and_sizes_are_left_out_of_all_products(running: Running) -> None:
    found = running.search(exclude=["over 50", "size M"], page_size=100)
    assert found["hits"]
    for hit in found["hits"]:
        assert hit["product"]["price_minor"] <= 5000
        held = {size["size"] for size in hit["product"]["sizes"] if size["stock"] > 0}
        assert "M" not in held
