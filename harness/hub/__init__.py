"""The Hub: a card is fetched with the commit it had, and published as one commit or pull request.

Asked over `huggingface_hub`, which is imported where it is used. What goes wrong becomes a `HubError` that holds no
token, no header and no address with a password.
"""

from harness.hub.account import check_account
from harness.hub.client import Client, open_client
from harness.hub.fetch import FetchedCard, fetch_card
from harness.hub.names import check_branch, check_repo_id
from harness.hub.plan import Known, Plan, Target, look
from harness.hub.prepare import Prepared, Request, prepare
from harness.hub.publish import Published, note_published, send

__all__ = [
    "Client",
    "FetchedCard",
    "Known",
    "Plan",
    "Prepared",
    "Published",
    "Request",
    "Target",
    "check_account",
    "check_branch",
    "check_repo_id",
    "fetch_card",
    "look",
    "note_published",
    "open_client",
    "prepare",
    "send",
]
