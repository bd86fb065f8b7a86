"""Alerts on their way out: what is told to the webhook, entered with the event, sent beside everything else."""

import json
import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio import to_thread
from sqlalchemy import Connection

from sipd_core.alerts import wording
from sipd_core.alerts.model import TRAITS, AlertEvent, Delivery, EventKind
from sipd_core.client import Webhook
from sipd_core.client.webhook import WHOLE_SECONDS
from sipd_core.errors import AlertError, SipdError, WebhookError
from sipd_core.store.database import Database
from sipd_core.store.outbox import Outbox, Parcel
from sipd_core.texts import text

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
SENT = frozenset({EventKind.FIRED, EventKind.RECOVERED, EventKind.ACKNOWLEDGED, EventKind.SWITCHED_OFF})
"""What is worth a message; that figures are missing is only told of an open incident."""


class Postman:
    """Without a webhook nothing is entered and nothing sent."""

    def __init__(self, database: Database, webhook: Webhook | None, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._outbox = Outbox(database, clock=clock)
        self._webhook = webhook
        self._clock = clock

    @property
    def host(self) -> str | None:
        """Where messages go; None where no webhook is set."""
        return self._webhook.host if self._webhook else None

    def enter(self, connection: Connection, event: AlertEvent, incident: bool) -> None:
        """Within the event's own transaction: it is sent if it happened, and only then."""
        worth = event.event in SENT or (event.event is EventKind.NO_DATA and incident)
        if self._webhook and worth:
            self._outbox.enter(connection, event.id, event.event, event.rule, _json(body_of(event)))

    def enter_test(self, actor: str) -> None:
        """A message that only says that messages arrive; raises AlertError where no webhook is set."""
        if self._webhook is None:
            raise AlertError(text_key="alerts.error.no_webhook")
        id_, at = uuid.uuid4().hex, datetime.fromtimestamp(self._clock(), UTC)
        told = {"id": id_, "event": EventKind.TEST, "at": at.isoformat(), "message": text("alerts.webhook.test")}
        body = _json(told | {"actor": actor})
        with self._database.write() as connection:
            self._outbox.enter(connection, id_, EventKind.TEST, None, body)

    def deliveries(self, limit: int = 20) -> Sequence[Delivery]:
        """The newest messages and what became of them."""
        return self._outbox.deliveries(limit)

    async def deliver(self) -> None:
        """Send what is due; what does not arrive is tried again later."""
        if self._webhook is None:
            return
        while parcels := await to_thread.run_sync(self._outbox.take, WHOLE_SECONDS, 1):
            await self._deliver(self._webhook, parcels[0])

    async def run(self) -> None:
        """Until cancelled: send what is due, soon after it was entered."""
        while self._webhook is not None:
            await anyio.sleep(POLL_SECONDS)
            try:
                await self.deliver()
            except SipdError as error:
                log.warning("alerts could not be sent: %s", error)

    async def _deliver(self, webhook: Webhook, parcel: Parcel) -> None:
        try:
            await webhook.send(parcel.id, parcel.body.encode())
        except WebhookError as error:
            log.warning("alert %s did not arrive (attempt %d): %s", parcel.id, parcel.attempts, error)
            await to_thread.run_sync(self._outbox.failed, parcel, str(error.values["reason"]))
        else:
            await to_thread.run_sync(self._outbox.arrived, parcel)


def body_of(event: AlertEvent) -> dict[str, Any]:
    """The message as the receiver reads it: codes in English for programs, sentences in Indonesian for people."""
    return {
        "id": event.id,
        "event": event.event,
        "rule": event.rule,
        "at": event.at.isoformat(),
        "value": event.value,
        "threshold": event.threshold,
        "unit": TRAITS[event.rule].unit,
        "title": wording.title(event.rule),
        "message": wording.told(event),
        "detail": event.detail,
        "actor": event.actor,
        "note": event.note,
    }


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)
