"""Every setting of the installation. Nothing outside this package reads the environment.

With a bad value the program does not start and says what a correct one looks like. README.md lists
the settings with their defaults, and a test compares the two.
"""

# The data folder comes first: what is created later is closed to other users.
# ruff: noqa: F403
# isort: off
from cwexport.settings.data_folder import *
from cwexport.settings.addresses import *
from cwexport.settings.outgoing import *
from cwexport.settings.database import *
from cwexport.settings.web import *
from cwexport.settings.language import *
from cwexport.settings.sign_in import *
from cwexport.settings.operation import *
from cwexport.settings.mail import *
from cwexport.settings.monitoring import *
from cwexport.settings.environment import CWEXPORT_GIVEN_SETTINGS as CWEXPORT_GIVEN_SETTINGS
