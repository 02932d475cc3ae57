"""The store in an SQL database, SQLite or PostgreSQL; `store.SqlStore` is the way in, `migrate` keeps the schema."""
