"""How often an answer's parts reach the socket."""

from unittest.mock import Mock

from service.one_piece import OnePiece


class Answer:
    """An answer that has ended, or has not."""

    def __init__(self) -> None:
        self.socket, self.close, self.ended = Mock(), Mock(), False
        self.transport = OnePiece(self.socket, lambda: self.ended, self.close)

    @property
    def sent(self) -> list[bytes]:
        return [bytes(call.args[0]) for call in self.socket.write.call_args_list]


def test_head_and_body_are_sent_together() -> None:
    answer = Answer()
    answer.transport.write(b"head")
    answer.transport.write(b"body")
    answer.ended = True
    answer.transport.write(b"")
    assert answer.sent == [b"headbody"]


def test_a_large_body_is_sent_at_once() -> None:
    answer = Answer()
    answer.transport.write(b"head")
    answer.transport.write(b"b" * 100_000)
    assert answer.sent == [b"head" + b"b" * 100_000]


def test_the_next_answer_is_not_held_by_the_last() -> None:
    answer = Answer()
    answer.ended = True
    answer.transport.write(b"first")
    answer.transport.write(b"second")
    assert answer.sent == [b"first", b"second"]


def test_what_is_held_can_be_sent_before_the_end() -> None:
    answer = Answer()
    answer.transport.write(b"half an answer")
    answer.transport.flush()
    answer.transport.flush()
    assert answer.sent == [b"half an answer"]


def test_the_rest_is_the_transport_s_own() -> None:
    answer = Answer()
    answer.transport.abort()
    answer.transport.close()
    answer.socket.abort.assert_called_once_with()
    answer.close.assert_called_once_with()
    answer.socket.close.assert_not_called()
