"""Channels to people: mail, Slack, and whatever else Apprise reaches; with an outcome instead of a yes or no.

By Apprise's own plugins where they serve; `slack_bot` says why it does not use them. Apprise's logs are cut off here:
they hold whole webhook URLs and addresses.
"""

from almenara.adapters.apprise.mail import MailChannel, MailSettings
from almenara.adapters.apprise.other import AppriseChannel
from almenara.adapters.apprise.slack import SlackChannel, SlackSettings, SlackWebhook
from almenara.adapters.apprise.slack_bot import SlackBotChannel

__all__ = [
    "AppriseChannel",
    "MailChannel",
    "MailSettings",
    "SlackBotChannel",
    "SlackChannel",
    "SlackSettings",
    "SlackWebhook",
]
