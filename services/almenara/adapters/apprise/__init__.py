"""Channels to people: mail and Slack, by Apprise's own plugins with an outcome instead of a yes or no.

Apprise's logs are cut off here: they hold whole webhook URLs and addresses.
"""

from almenara.adapters.apprise.mail import MailChannel, MailSettings
from almenara.adapters.apprise.slack import SlackChannel, SlackSettings, SlackWebhook

__all__ = ["MailChannel", "MailSettings", "SlackChannel", "SlackSettings", "SlackWebhook"]
