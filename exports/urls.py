"""Every address of the product; a name is noun-verb and the view is verb_noun."""

from django.urls import path

from exports.views import connections, dates, home, ledger, runs, tasks

urlpatterns = [
    path("", home.show_home, name="home"),
    path("connections/", connections.list_connections, name="connection-list"),
    path("connections/new/", connections.create_connection, name="connection-create"),
    path("connections/address/", connections.show_address, name="connection-address"),
    path("connections/<int:pk>/", connections.edit_connection, name="connection-edit"),
    path("connections/<int:pk>/test/", connections.test_connection, name="connection-test"),
    path("connections/<int:pk>/delete/", connections.delete_connection, name="connection-delete"),
    path("tasks/new/", tasks.create_task, name="task-create"),
    path("tasks/conditions/", tasks.change_condition_rows, name="task-conditions"),
    path("tasks/<int:pk>/", tasks.show_task, name="task-detail"),
    path("tasks/<int:pk>/edit/", tasks.edit_task, name="task-edit"),
    path("tasks/<int:pk>/run/", tasks.run_task, name="task-run"),
    path("tasks/<int:pk>/archive/", tasks.archive_task, name="task-archive"),
    path("tasks/<int:pk>/dates/", dates.change_dates, name="task-dates"),
    path("tasks/<int:pk>/undo-date/", dates.undo_date, name="task-undo-date"),
    path("tasks/<int:pk>/from-now/", dates.start_from_now, name="task-from-now"),
    path("tasks/<int:pk>/ledger/", ledger.show_ledger, name="task-ledger"),
    path("tasks/<int:pk>/ledger/again/", ledger.export_again, name="task-ledger-again"),
    path("runs/", runs.list_runs, name="run-list"),
    path("runs/<int:pk>/", runs.show_run, name="run-detail"),
    path("runs/<int:pk>/progress/", runs.show_progress, name="run-progress"),
    path("runs/<int:pk>/cancel/", runs.cancel_run, name="run-cancel"),
    path("runs/<int:pk>/again/", runs.run_again, name="run-again"),
    path("runs/<int:pk>/download/", runs.download_run, name="run-download"),
    path("runs/<int:pk>/proof/", runs.download_manifest, name="run-manifest"),
    path("runs/<int:pk>/log/", runs.download_log, name="run-log"),
    path("batches.xsd", runs.download_schema, name="schema-download"),
]
