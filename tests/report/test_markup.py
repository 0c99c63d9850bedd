from unlossy.report.markup import Html, join, number, tag


def test_text_is_escaped_and_markup_is_not():
    assert tag("p", "<b> & \"quotes'", tag("b", "x")) == "<p>&lt;b&gt; &amp; &quot;quotes&#x27;<b>x</b></p>"
    assert tag("a", "x", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">x</a>'
    assert join(["<", Html("<br>"), None]) == "&lt;<br>"


def test_characters_no_document_may_hold_are_replaced():
    assert tag("p", "a\x00b\x1b[31m\udcff") == "<p>a\ufffdb\ufffd[31m\ufffd</p>"


def test_attributes():
    assert tag("img", src="a", alt="", hidden=True, class_=None, data_x=1.0) == '<img src="a" alt="" hidden data-x="1">'
    assert (number(-0.001), number(2.5), number(100.0), number(1 / 3)) == ("0", "2.5", "100", "0.33")
