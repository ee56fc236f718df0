"""What calls with a ClientToken were answered: the same call again gets the same answer, for eight hours.

Lookout for Vision: "An error occurs if the other input parameters are not the same as in the first request",
whatever they are about; so tokens are remembered for the whole stack, by operation. `client_tokens` has the
other half: there the trace that a call left tells whether it was made, wherever a call was killed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from chalicelib.lookout.api import client_tokens
from chalicelib.lookout.api.errors import ApiError, ConflictException
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.documents import Document, Documents

_FOLDER = "client-tokens/"


class AnsweredCalls:
    """Answers a call that was made before as it was answered then.

    Args:
        documents: Of the models bucket; a rule of the bucket removes what is older than a day.
        now: The clock.
    """

    def __init__(self, documents: Documents, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._documents = documents
        self._now = now

    def answer(
        self, operation: str, given: Mapping[str, Any], perform: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """The answer to a call: the first one's, or that of performing it.

        A call that was begun and never answered is performed again. One that was refused began nothing: its
        token is free for another.

        Args:
            operation: As in `CreateDataset`.
            given: Members of its input.
            perform: Does it; gives members of its answer as they travel.

        Raises:
            ConflictException: The token was used for other input.
        """
        if client_tokens.TOKEN not in given:
            return perform()
        key = f"{_FOLDER}{operation}/{given[client_tokens.TOKEN]}.json"
        call = {"id": uuid4().hex, "input": client_tokens.fingerprint(given), "at": timestamp(self._now())}
        known = self._begin(key, call, operation, given)
        if known is not None and "answer" in known:
            return dict(known["answer"])
        try:
            answer = perform()
        except ApiError:
            if known is None:
                self._change(key, call, {"refused": True})
            raise
        self._change(key, known or call, {"answer": answer})
        return answer

    def _begin(
        self, key: str, call: Mapping[str, Any], operation: str, given: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Notes a call; gives what was noted of it before, None where it is the first with its token."""
        while True:
            found = self._documents.get(key)
            if found is None:
                if self._documents.create(key, call):
                    return None
            elif not self._counts(found):
                if self._documents.replace(key, call, found.etag):
                    return None
            elif found.value["id"] == call["id"]:
                return None  # written, the answer lost, and tried again by the client of S3
            elif found.value["input"] != call["input"]:
                raise ConflictException(
                    client_tokens.reused(operation, given), str(given["ProjectName"]), "PROJECT"
                )
            else:
                return found.value

    def _counts(self, found: Document) -> bool:
        """Whether what was noted still stands for a call."""
        began = datetime.fromisoformat(found.value["at"])
        return "refused" not in found.value and began + client_tokens.ACTIVE >= self._now()

    def _change(self, key: str, call: Mapping[str, Any], how: Mapping[str, Any]) -> None:
        """Adds to what was noted of a call, unless another has taken its place."""
        self._documents.change(key, lambda value: {**value, **how} if value["id"] == call["id"] else None)
