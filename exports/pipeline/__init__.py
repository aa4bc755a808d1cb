"""One run, from the first question to the published file; `runner` calls the stages in order."""
