"""`subscribers`, `deliveries`: who is told what; no address is ever shown."""

from cli_calls import Calls


def test_check_and_show(almenara: Calls) -> None:
    assert almenara.json("subscribers", "check").one == {"ok": True, "subscribers": 2}
    shown = almenara.json("subscribers", "show").lines
    assert [one["id"] for one in shown] == ["ana", "ben"]
    assert shown[0]["channels"] == ["mail"]
    assert shown[0]["wants"] == [{"countries": ["PER"], "levels": ["high", "critical"]}]
    assert "example.org" not in almenara("subscribers", "show").out
    assert almenara("subscribers", "show", "cleo").code == 2
    assert not (almenara.data / "audience.key").exists()


def test_faults_have_their_place(almenara: Calls) -> None:
    (almenara.config / "subscribers.yaml").write_text("people:\n  ana:\n    wants: [{rules: [no_such_rule]}]\n")
    for verb in ("check", "show"):
        found = almenara("subscribers", verb)
        assert found.code == (2 if verb == "check" else 0)
    assert "subscribers.yaml:3" in almenara("subscribers", "check").err


def test_activate_twice_and_preview(almenara: Calls) -> None:
    almenara("migrate")
    first = almenara.json("subscribers", "activate", "--reason", "test").one
    assert first["activated"] is True
    assert almenara.json("status").one["audience"] == first["hash"]
    preview = almenara.json("subscribers", "preview", "ana", "--since", "30d")
    assert (preview.code, preview.lines) == (0, [])
    assert almenara("subscribers", "preview", "ana", "--since", "soon").code == 2
    assert almenara("subscribers", "preview", "cleo").code == 2


def test_deliveries_of_an_empty_record(almenara: Calls) -> None:
    almenara("migrate")
    assert almenara.json("deliveries", "list").lines == []
