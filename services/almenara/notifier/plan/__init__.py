"""Plan: when and in which message somebody is told. A fold over `notices`."""

from almenara.notifier.plan.processor import PlanFold, PlanProcessor

__all__ = ["PlanFold", "PlanProcessor"]
