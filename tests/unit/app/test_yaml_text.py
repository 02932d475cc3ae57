"""Changes of YAML as text: what is not meant stays as it is, and where it is."""

from hypothesis import given
from hypothesis import strategies as st

from almenara.app.yaml_text import offset_of, without_document
from almenara.engine.reading import documents

BREAKS = st.sampled_from(["\n", "\r\n"])
DOCUMENTS = st.lists(
    st.sampled_from(
        [
            "title: One",
            "title: Two\nname: b  # --- no mark",
            "title: |\n  a text\n  --- of several\n  lines",
            "{title: Flow, name: x}",
            "# a comment before\n\ntitle: Later\n",
        ]
    ),
    min_size=1,
    max_size=5,
)


@given(DOCUMENTS, BREAKS, st.booleans(), st.booleans(), st.data())
def test_one_document_goes_and_the_others_stay_where_they_are(
    texts: list[str], break_: str, marked: bool, ended: bool, data: st.DataObject
) -> None:
    whole = ("---\n" if marked else "") + "\n---\n".join(texts) + ("\n" if ended else "")
    whole = whole.replace("\n", break_)
    found, faults = documents.read(whole, "f")
    assert faults == []
    assert len(found) == len(texts)
    gone = data.draw(st.integers(0, len(texts) - 1))
    left, faults = documents.read(without_document(whole, found[gone].line()), "f")
    assert faults == []
    assert left == [one for number, one in enumerate(found) if number != gone]


@given(DOCUMENTS, st.sampled_from(["\n", "\r\n", "\u2028", "\x85"]))
def test_a_place_is_found_again(texts: list[str], break_: str) -> None:
    whole = "# a comment" + break_ + "\n---\n".join(texts)
    for document in documents.read(whole, "f")[0]:
        line, column = document.place("title")
        assert whole[offset_of(whole, line, column) :].startswith("title")
