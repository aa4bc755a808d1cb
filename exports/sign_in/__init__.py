"""How people log in beyond a password: the second factor and single sign-on (rule A3).

django-allauth keeps the rows of second factors, checks keys and recovery codes, and speaks OpenID
Connect. What it leaves open is decided here: secrets are encrypted, a code is taken once whatever
the process, tokens are checked in full, and every byte goes through our own transport.
"""
