"""What can be chosen about the objectives of pretraining."""

from dataclasses import dataclass, fields

from xlsr_sb.errors import InputError

SIZES = ("code_dim", "target_dim", "num_groups", "num_entries", "num_negatives")


@dataclass(frozen=True)
class PretrainingSettings:
    """Sizes and weights; the defaults are those of XLS-R 300M.

    Parameters
    ----------
    code_dim, target_dim : int
        Width of quantised frames, and of the space in which they are compared.
    num_groups, num_entries : int
        Codebooks, and entries in each.
    temperatures : sequence of three float
        Gumbel temperature at the first update, the lowest, and the factor an update.
    num_negatives : int
        Distractors of each masked frame.
    logit_temperature : float
        Cosine similarities are divided by it.
    diversity_weight : float
        Of the term that keeps all codes in use.
    feature_dropout : float
        Of the features that are quantised.
    contrastive_weight, unit_weight : float
        Of the two objectives.

    Raises
    ------
    InputError
        If they cannot work.

    Example
    -------
    >>> PretrainingSettings(num_entries=4).num_codes
    8
    >>> PretrainingSettings(num_groups=5)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: head: code_dim 768 must be a multiple of num_groups 5
    """

    code_dim: int = 768
    target_dim: int = 768
    num_groups: int = 2
    num_entries: int = 320
    temperatures: tuple[float, float, float] = (2.0, 0.1, 0.999995)
    num_negatives: int = 100
    logit_temperature: float = 0.1
    diversity_weight: float = 0.1
    feature_dropout: float = 0.0
    contrastive_weight: float = 1.0
    unit_weight: float = 0.0

    @classmethod
    def of(cls, options: dict) -> "PretrainingSettings":
        """Settings from options by name, of which all must be known.

        Example
        -------
        >>> PretrainingSettings.of({"code_dims": 4})
        Traceback (most recent call last):
        ...
        xlsr_sb.errors.InputError: head: no option ['code_dims']; there are [...]
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(options) - set(known)):
            raise InputError(f"head: no option {unknown}; there are {known}")
        return cls(**options)

    def __post_init__(self):
        """Accept lists where YAML gives them, and refuse what cannot work."""
        object.__setattr__(self, "temperatures", tuple(self.temperatures))
        for name in SIZES:
            if getattr(self, name) < 1:
                raise InputError(
                    f"head: {name} must be at least 1, got {getattr(self, name)}"
                )
        for problem, wrong in self._problems().items():
            if wrong:
                raise InputError(f"head: {problem}")

    def _problems(self) -> dict[str, bool]:
        """Each sentence that would be true of settings that cannot work."""
        code_dim, groups = self.code_dim, self.num_groups
        weights = self.contrastive_weight, self.unit_weight
        return {
            f"code_dim {code_dim} must be a multiple of num_groups {groups}": (
                code_dim % groups != 0
            ),
            f"temperatures {list(self.temperatures)} must be first >= last > 0, and a "
            "factor above 0 and at most 1": not _are_temperatures(*self.temperatures),
            f"logit_temperature must be above 0, got {self.logit_temperature}": (
                not self.logit_temperature > 0
            ),
            f"diversity_weight must be at least 0, got {self.diversity_weight}": (
                not self.diversity_weight >= 0
            ),
            f"feature_dropout must be in [0, 1), got {self.feature_dropout}": (
                not 0 <= self.feature_dropout < 1
            ),
            "contrastive_weight and unit_weight must be at least 0 and not both 0, "
            f"got {weights[0]} and {weights[1]}": not (
                all(weight >= 0 for weight in weights) and any(weights)
            ),
        }

    @property
    def num_codes(self) -> int:
        """Entries of all codebooks together."""
        return self.num_groups * self.num_entries

    def temperature(self, update: int) -> float:
        """Gumbel temperature of an update, counted from 0.

        Example
        -------
        >>> settings = PretrainingSettings(temperatures=(2, 0.5, 0.9))
        >>> [round(settings.temperature(update), 2) for update in (0, 1, 99)]
        [2.0, 1.8, 0.5]
        """
        first, last, factor = self.temperatures
        return max(float(first) * factor**update, last)


def _are_temperatures(*values: float) -> bool:
    """Whether these are three: the first, the lowest, the factor."""
    if len(values) != 3:
        return False
    first, last, factor = values
    return first >= last > 0 < factor <= 1
