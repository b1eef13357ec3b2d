"""A logged message without what it quotes, and the form in which words are looked for."""

from tinyscout.leads.message_text import folded, unquoted

HEAD = "From: Ann <ann@x.com>\nSubject: Re\n\n"


def test_what_it_quotes_is_left_out() -> None:
    assert unquoted("No.\n> yes\n> please\nNever.") == "No.\nNever."
    assert unquoted("Yes.<blockquote>no</blockquote>") == "Yes."


def test_below_the_head_of_a_message_all_is_quoted_if_words_stand_above_it() -> None:
    assert unquoted(f"Thanks!\n\n{HEAD}Please stop") == "Thanks!"
    assert unquoted(f"{HEAD}Please stop").endswith("Please stop")  # it was forwarded to the CRM


def test_a_body_in_html_is_its_words_and_an_address_is_no_tag() -> None:
    assert unquoted("<p>Hello,</p><p>don&#39;t <b>call</b></p>").split() == ["Hello,", "don't", "call"]
    assert unquoted("write to <anna@example.com>") == "write to <anna@example.com>"
    assert unquoted("a < b & c") == "a < b & c"


def test_folded_are_letters_accents_quotes_hyphens_and_spaces() -> None:
    assert folded("K\u00d6LN \u2014 e\u2011mail isn\u2019t  h\u00e9re\n> quoted") == "koln, email isn't here"
