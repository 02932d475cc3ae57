"""Runs the migrations on the connection that `almenara.adapters.sql.migrate` hands over (`almenara migrate`)."""

from alembic import context

from almenara.adapters.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
