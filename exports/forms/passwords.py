"""Password rules, and the form to change a password."""

from typing import Final

from django.contrib.auth import authenticate, password_validation
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from exports.models.users import set_password

_FEWEST_CHARACTERS: Final = 5
# Words of this product and its field, which guessers of its passwords try first.
OWN_WORDS: Final = frozenset(
    (
        *("accounting", "accountant", "admin", "administrator", "batch", "batches", "connectwise"),
        *("cwexport", "export", "exports", "finance", "invoice", "invoices", "login", "manage"),
        *("operator", "password", "psa", "viewer"),
    )
)
_SHORTEST_WORD: Final = 3
# What people write in place of letters.
_LIKE_LETTERS: Final = str.maketrans("0134578@$!|€", "oieastbasile")


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    """Refuses Django's 20,000 common passwords and the words of this product, padded or doubled.

    Few of them are twelve characters long, so people write `Dragon-2026!!` or `monkeymonkey12`.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        super().validate(password, user)
        if any(self._is_common(core) for core in _cores(password)):
            raise ValidationError(self._sentence(), code="password_too_common")

    def get_help_text(self) -> str:
        return _("Your password must not be a common one, nor such a word with digits or signs.")

    def _is_common(self, core: str) -> bool:
        """Whether it consists of one or two known words, or of one that is repeated."""
        words = self.passwords | OWN_WORDS
        if core in words:
            return True
        cuts = range(_SHORTEST_WORD, len(core) - _SHORTEST_WORD + 1)
        return any(core[:cut] in OWN_WORDS and core[cut:] in words for cut in cuts) or any(
            core[:cut] in words and core == (core[:cut] * len(core))[: len(core)] for cut in cuts
        )

    def _sentence(self) -> str:
        return _(
            "This is a common word with digits or signs, which guessers try first. Take several "
            "words that have nothing to do with each other."
        )


def _cores(password: str) -> set[str]:
    """What is left of it without padding, capital letters, and digits that stand for letters.

    The padding goes first, so that `password1!` is not read as `passwordil`.
    """
    lower = password.lower()
    found = {_letters(lower), _letters(lower.translate(_LIKE_LETTERS))}
    found.add(_letters(_without_padding(lower).translate(_LIKE_LETTERS)))
    return {core for core in found if len(core) >= _SHORTEST_WORD}


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _without_padding(text: str) -> str:
    places = [place for place, character in enumerate(text) if character.isalpha()]
    return text[places[0] : places[-1] + 1] if places else ""


class LetterlessPasswordValidator:
    """Refuses dates, phone and account numbers, however they are written, and rows of signs."""

    def validate(self, password: str, user: object = None) -> None:
        if not any(character.isalpha() for character in password):
            raise ValidationError(self.get_help_text(), code="password_has_no_letter")

    def get_help_text(self) -> str:
        return _("Your password must not consist of digits and signs alone.")


class VariedPasswordValidator:
    """Refuses passwords such as `aaaaaaaaaaaa`: long, but in no list of common ones."""

    def validate(self, password: str, user: object = None) -> None:
        if len(set(password)) < _FEWEST_CHARACTERS:
            raise ValidationError(self.get_help_text(), code="password_not_varied")

    def get_help_text(self) -> str:
        sentence = _("Your password must hold at least %(count)s different characters.")
        return sentence % {"count": _FEWEST_CHARACTERS}


class ChangePasswordForm(PasswordChangeForm):
    """Wrong old passwords count as at login, so an open session does not allow guessing."""

    request: HttpRequest

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            code = "password_incorrect"
            raise ValidationError(self.error_messages[code], code=code)
        return old

    def save(self, commit: bool = True) -> User:
        """The view gives the browser in use a new session, as all of this user's are ended."""
        user: User = self.user
        set_password(user, self.cleaned_data["new_password1"])
        return user
