"""SQLAlchemy: its version is updated_at itself, which the database makes."""

import unittest

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Column, DateTime, FetchedValue, Identity, Text, create_engine, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.orm.exc import StaleDataError

from cases import Cases, run

Base = declarative_base()


# region model
class Customer(Base):
    __tablename__ = "customers"
    id = Column(BigInteger, Identity(), primary_key=True)
    name = Column(Text, nullable=False, unique=True)
    status = Column(Text)
    phone = Column(Text)
    updated_at = Column(DateTime(timezone=True), nullable=False,
                        server_default=text("now()"), server_onupdate=FetchedValue())
    # the version is made by the database, and compared as it was read
    __mapper_args__ = {"version_id_col": updated_at, "version_id_generator": False, "eager_defaults": True}
# endregion


class SqlAlchemy(Cases, unittest.TestCase):
    library = "SQLAlchemy"
    stale = StaleDataError
    table = "DROP COLUMN lock_version"

    @classmethod
    def open(cls, parameters):
        cls.engine = create_engine(URL.create(
            "postgresql+psycopg2", parameters["user"], parameters["password"], parameters["host"],
            int(parameters["port"]), parameters["dbname"]))
        cls.sessions = []

    @classmethod
    def close(cls):
        for session in cls.sessions:
            session.close()
        cls.engine.dispose()

    def read(self, key):
        session = Session(self.engine, expire_on_commit=False)
        self.sessions.append(session)
        customer = session.get(Customer, key)
        session.commit()
        return customer

    def save(self, model):
        session = Session.object_session(model)
        try:
            session.commit()
        except StaleDataError:
            session.rollback()
            raise

    def insert_many(self, rows):
        with Session(self.engine) as session, session.begin():
            session.bulk_insert_mappings(Customer, rows)

    def update_many(self, keys, status):
        with Session(self.engine) as session, session.begin():
            session.execute(update(Customer).where(Customer.id.in_(keys)).values(status=status)
                            .execution_options(synchronize_session=False))

    def upsert(self, row):
        with Session(self.engine) as session, session.begin():
            session.execute(insert(Customer).values(row).on_conflict_do_update(
                index_elements=["name"], set_={"status": row["status"]}))

    def call(self, values, transaction=None):
        if transaction is None:
            return self.transaction(lambda session: self.call(values, session))
        # region save
        statement = text("SELECT * FROM crm_update_customer(:id, :seen, :status, :comment, :author)")
        parameters = dict(zip(("id", "seen", "status", "comment", "author"), values))
        return transaction.execute(statement, parameters).mappings().one()
        # endregion

    def transaction(self, callback):
        # region transaction
        # commits at the end of the block, also a refused save; rolls back when it raises
        with Session(self.engine) as session, session.begin():
            return callback(session)
        # endregion

    def compare(self, **options):
        with self.engine.connect() as connection:
            return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)

    def schema_tool(self):
        """Alembic's autogenerate finds nothing to do, unless it is told to look at all schemas."""
        self.assertEqual(self.compare(), [])
        found = self.compare(include_schemas=True)
        self.assertIn(("remove_table", "customers_comments"), [(action[0], action[1].name) for action in found])

        # region ignore
        # of context.configure() in env.py, where it has include_schemas=True
        def include_name(name, kind, _):
            return kind != "schema" or name != "crm"
        # endregion

        self.assertEqual(self.compare(include_schemas=True, include_name=include_name), [])

    def reset(self):
        with self.assertRaisesRegex(InternalError, "customers_comments"):
            Base.metadata.drop_all(self.engine)
        with self.engine.begin() as connection:
            connection.execute(text("DROP TABLE customers CASCADE"))
        Base.metadata.create_all(self.engine)


if __name__ == "__main__":
    run(SqlAlchemy)
