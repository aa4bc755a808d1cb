"""Makes the tables of a new database at once, as all migrations together would have.

One after the other they take most of a first start: Django makes the models anew with each of some
hundred changes. A test compares what both ways come to.
"""

from django.db import router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

_OWN_APP = "exports"


def make_tables(connection: BaseDatabaseWrapper) -> bool:
    """In one transaction; False, and nothing is made, when there are tables already."""
    if connection.introspection.table_names():
        return False
    loader = MigrationLoader(connection)
    state: ProjectState = loader.project_state()
    with connection.schema_editor(atomic=True) as editor:
        for model in state.apps.get_models():
            if model._meta.can_migrate(connection) and router.allow_migrate_model(
                connection.alias, model
            ):
                editor.create_model(model)
        _make_deferred(editor)
        _run_own_steps(loader, state, editor)
        _record_all(loader, editor)
    return True


def _make_deferred(editor: BaseDatabaseSchemaEditor) -> None:
    """Foreign keys and indexes, before there are rows."""
    for sql in editor.deferred_sql:
        editor.execute(sql, None)
    editor.deferred_sql.clear()


def _run_own_steps(
    loader: MigrationLoader, state: ProjectState, editor: BaseDatabaseSchemaEditor
) -> None:
    """What migrations do besides tables: rows and triggers of a new installation.

    Those that only bring older rows up to date are marked `elidable`; libraries have no others.
    """
    for key in _all_keys(loader):
        for step in loader.graph.nodes[key].operations if key[0] == _OWN_APP else ():
            if isinstance(step, (RunPython, RunSQL)) and not step.elidable:
                step.database_forwards(_OWN_APP, editor, state, state)


def _record_all(loader: MigrationLoader, editor: BaseDatabaseSchemaEditor) -> None:
    recorder = MigrationRecorder(editor.connection)
    editor.create_model(recorder.Migration)
    rows = [recorder.Migration(app=app, name=name) for app, name in _all_keys(loader)]
    recorder.migration_qs.bulk_create(rows)


def _all_keys(loader: MigrationLoader) -> list[tuple[str, str]]:
    """In the order in which they would be applied."""
    keys: dict[tuple[str, str], None] = {}
    for leaf in loader.graph.leaf_nodes():
        keys.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return list(keys)
