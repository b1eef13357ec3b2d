"""The text table, character for character."""

from tinyscout.metrics.table import Table


def test_cells_of_several_lines_are_aligned():
    table = Table(["model", "log\nloss", "n"], [["careful\nlogistic", "0.1", "12"], ["scout", "-", "3,456"]])
    assert table.text() == "\n".join(
        [
            "           log",
            "model     loss      n",
            "--------  ----  -----",
            "careful    0.1     12",
            "logistic",
            "scout        -  3,456",
        ]
    )
