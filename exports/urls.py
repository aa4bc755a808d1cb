"""Every address of the product; a name is noun-verb and the view is verb_noun."""

from django.urls import path, register_converter

from exports.outside_numbers import IdConverter
from exports.views import (
    conditions,
    connections,
    dates,
    history,
    home,
    ledger,
    preview,
    run_files,
    runs,
    task_description,
    tasks,
)

register_converter(IdConverter, "id")

urlpatterns = [
    path("", home.show_home, name="home"),
    path("live/", home.show_live, name="home-live"),
    path("connections/", connections.list_connections, name="connection-list"),
    path("connections/new/", connections.create_connection, name="connection-create"),
    path("connections/address/", connections.show_address, name="connection-address"),
    path("connections/<id:pk>/", connections.edit_connection, name="connection-edit"),
    path("connections/<id:pk>/test/", connections.test_connection, name="connection-test"),
    path(
        "connections/<id:pk>/test/live/",
        connections.follow_connection_test,
        name="connection-test-live",
    ),
    path("connections/<id:pk>/delete/", connections.delete_connection, name="connection-delete"),
    path("tasks/new/", tasks.create_task, name="task-create"),
    path("tasks/conditions/", conditions.change_condition_rows, name="task-conditions"),
    path(
        "tasks/conditions/<id:position>/", conditions.check_condition, name="task-condition-check"
    ),
    path("tasks/description/", task_description.describe_task, name="task-description"),
    path("tasks/<id:pk>/description/", task_description.describe_task, name="task-description"),
    path("tasks/preview/", preview.preview_new_task, name="task-preview-unsaved"),
    path("tasks/<id:pk>/", tasks.show_task, name="task-detail"),
    path("tasks/<id:pk>/edit/", tasks.edit_task, name="task-edit"),
    path("tasks/<id:pk>/clone/", tasks.clone_task, name="task-clone"),
    path("tasks/<id:pk>/preview/", preview.preview_task, name="task-preview"),
    path("tasks/<id:pk>/run/", tasks.run_task, name="task-run"),
    path("tasks/<id:pk>/archive/", tasks.archive_task, name="task-archive"),
    path("tasks/<id:pk>/dates/", dates.change_dates, name="task-dates"),
    path("tasks/<id:pk>/undo-date/", dates.undo_date, name="task-undo-date"),
    path("tasks/<id:pk>/from-now/", dates.start_from_now, name="task-from-now"),
    path("tasks/<id:pk>/ledger/", ledger.show_ledger, name="task-ledger"),
    path("tasks/<id:pk>/ledger/re-export/", ledger.reexport_batches, name="task-ledger-reexport"),
    path("runs/", history.list_runs, name="run-list"),
    path("runs/export.csv", history.export_runs, name="run-list-csv"),
    path("runs/<id:pk>/", runs.show_run, name="run-detail"),
    path("runs/<id:pk>/progress/", runs.show_progress, name="run-progress"),
    path("runs/<id:pk>/delivery/<slug:destination>/", runs.show_delivery, name="run-delivery"),
    path("runs/<id:pk>/cancel/", runs.cancel_run, name="run-cancel"),
    path("runs/<id:pk>/re-export/", runs.reexport_run, name="run-reexport"),
    path("runs/<id:pk>/accept-count/", runs.accept_count, name="run-accept-count"),
    path("runs/<id:pk>/file/", run_files.show_file, name="run-file"),
    path("runs/<id:pk>/download/", run_files.download_run, name="run-download"),
    path("runs/<id:pk>/proof/", run_files.download_manifest, name="run-manifest"),
    path("runs/<id:pk>/log/", run_files.download_log, name="run-log"),
    path("batches.xsd", run_files.download_schema, name="schema-download"),
]
