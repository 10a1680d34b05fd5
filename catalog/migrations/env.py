"""Runs migrations on the connection that it is handed, in its transaction; Alembic executes it."""

from alembic import context

from catalog.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    # SQLite's too, where the driver is kept from beginning and ending transactions by itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
