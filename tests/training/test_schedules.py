"""The learning rate of every update, against fairseq's formula and by hand."""

import math

import pytest
import torch
from speechbrain.nnet.schedulers import TriStageLRSchedule

from xlsr_sb.errors import InputError
from xlsr_sb.training.schedules import InverseSquareRoot, LinearDecay, TriStage


def optimizer_with(*rates):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": r} for r in rates]
    return torch.optim.AdamW(groups)


def rate_in_fairseq(update, *, peak, max_update, phase_ratio, init=0.01, final=0.05):
    """tri_stage with phase_ratio: steps of each stage, then _decide_stage."""
    warmup, hold, decay = (int(max_update * share) for share in phase_ratio)
    init_lr, final_lr = init * peak, final * peak
    warmup_rate = (peak - init_lr) / warmup if warmup else 0
    decay_factor = -math.log(final) / decay
    if update < warmup:
        return init_lr + warmup_rate * update
    if update < warmup + hold:
        return peak
    if update <= warmup + hold + decay:
        return peak * math.exp(-decay_factor * (update - warmup - hold))
    return final_lr


@pytest.mark.parametrize("num_updates", [13, 100, 997, 13_000])
@pytest.mark.parametrize("ratios", [(0.1, 0.4, 0.5), (0.0, 0.3, 0.7), (0.5, 0.0, 0.5)])
def test_equals_fairseq_at_every_update(num_updates, ratios):
    """Fails if the hold ends one update early, or the decay is made linear."""
    optimizer = optimizer_with(3e-4)
    schedule = TriStage(
        optimizer,
        num_updates=num_updates,
        warmup_ratio=ratios[0],
        hold_ratio=ratios[1],
        decay_ratio=ratios[2],
    )
    for update in range(0, num_updates + 50, max(1, num_updates // 500)):
        schedule.set_update(update)
        expected = rate_in_fairseq(
            update, peak=3e-4, max_update=num_updates, phase_ratio=ratios
        )
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-12)


def test_by_hand():
    """200 updates: 20 of warm-up, 80 of plateau, 100 of decay."""
    schedule = TriStage(optimizer_with(1.0), num_updates=200)
    by_hand = {
        0: 0.01,  # the first update
        10: 0.505,  # half-way from 0.01 to 1
        20: 1.0,
        99: 1.0,  # the last of the plateau
        100: 1.0,  # the decay starts from the peak
        150: math.sqrt(0.05),  # half-way on a logarithmic scale
        200: 0.05,
        201: 0.05,
        10_000: 0.05,
    }
    for update, scale in by_hand.items():
        assert schedule.scale(update) == pytest.approx(scale, rel=1e-12)


def test_groups_follow_one_curve_under_their_own_peaks():
    optimizer = optimizer_with(1e-3, 1e-5)
    schedule = TriStage(optimizer, num_updates=100)
    for update in (0, 7, 30, 80, 100):
        schedule.set_update(update)
        head, encoder = optimizer.param_groups
        assert head["lr"] == pytest.approx(100 * encoder["lr"])
        assert (head["peak_lr"], encoder["peak_lr"]) == (1e-3, 1e-5)


def test_stays_at_the_final_rate_where_speechbrain_goes_on_decaying():
    ours, stock = optimizer_with(1.0), optimizer_with(1.0)
    schedule = TriStage(ours, num_updates=100)
    theirs = TriStageLRSchedule(
        lr=1.0, warmup_steps=10, hold_steps=40, decay_steps=50, total_steps=100
    )
    for update, equal in ((30, True), (75, True), (100, True), (150, False)):
        schedule.set_update(update)
        theirs(stock, update)
        rates = ours.param_groups[0]["lr"], stock.param_groups[0]["lr"]
        assert (rates[0] == pytest.approx(rates[1])) is equal
    assert ours.param_groups[0]["lr"] == 0.05
    assert stock.param_groups[0]["lr"] == pytest.approx(0.0025)


def test_speechbrain_gives_every_group_the_same_rate():
    optimizer = optimizer_with(1e-3, 1e-5)
    theirs = TriStageLRSchedule(
        lr=1e-3, warmup_steps=10, hold_steps=40, decay_steps=50, total_steps=100
    )
    theirs(optimizer, 30)
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 1e-3]
    optimizer = optimizer_with(1e-3, 1e-5)
    TriStage(optimizer, num_updates=100).set_update(30)
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 1e-5]


def test_resumed_run_continues_the_curve():
    """Whether the optimiser is recovered before or after the schedule is made."""
    optimizer = optimizer_with(1e-3)
    TriStage(optimizer, num_updates=100).set_update(80)
    state = optimizer.state_dict()

    first = optimizer_with(1e-3)
    schedule = TriStage(first, num_updates=100)
    first.load_state_dict(state)
    schedule.set_update(90)

    second = optimizer_with(1e-3)
    second.load_state_dict(state)
    TriStage(second, num_updates=100).set_update(90)

    expected = 1e-3 * 0.05 ** (40 / 50)
    assert first.param_groups[0]["lr"] == pytest.approx(expected)
    assert second.param_groups[0]["lr"] == pytest.approx(expected)


def test_resumed_run_obeys_a_rate_changed_by_the_user():
    old = optimizer_with(1e-3)
    TriStage(old, num_updates=100).set_update(20)
    new = optimizer_with(5e-4)
    schedule = TriStage(new, num_updates=100)
    new.load_state_dict(old.state_dict())
    schedule.set_update(21)
    assert new.param_groups[0]["lr"] == 5e-4
    assert new.param_groups[0]["peak_lr"] == 5e-4


def test_one_update_is_a_run():
    """Smoke tests: all stages are rounded down to nothing."""
    assert TriStage(optimizer_with(1.0), num_updates=1).scale(0) == 0.05


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_updates": 0}, "num_updates must be at least 1, got 0"),
        ({"hold_ratio": 0.5}, "sum to 1, got 0.1, 0.5, 0.5, which sum to 1.1"),
        ({"warmup_ratio": -0.1, "hold_ratio": 0.6}, "sum to 1, got -0.1, 0.6, 0.5"),
        ({"init_scale": 2}, r"init_scale must lie in \[0, 1\], got 2"),
        ({"final_scale": 0.0}, r"final_scale must lie in \(0, 1\], got 0.0"),
    ],
)
def test_settings_that_make_no_curve(settings, message):
    with pytest.raises(InputError, match=message):
        TriStage(optimizer_with(1.0), **({"num_updates": 100} | settings))


def test_ratios_that_only_rounding_keeps_from_one():
    """0.1 + 0.2 + 0.7 is 0.9999999999999999; fairseq refuses it."""
    TriStage(
        optimizer_with(1.0),
        num_updates=10,
        warmup_ratio=0.1,
        hold_ratio=0.2,
        decay_ratio=0.7,
    )


# Pretraining


def polynomial_rate_in_fairseq(update, *, peak, total, warmup, power=1.0, end=0.0):
    """What polynomial_decay sets after so many updates, and so before the next one."""
    if warmup > 0 and update <= warmup:
        return peak * (update / warmup)
    if update >= total:
        return end
    remaining = 1 - (update - warmup) / (total - warmup)
    return (peak - end) * remaining**power + end


@pytest.mark.parametrize(("total", "warmup"), [(1_000_000, 32_000), (97, 13), (50, 0)])
def test_linear_decay_equals_fairseq_at_every_update(total, warmup):
    """Fails if the warm-up starts at its first step, or the decay ends one early."""
    optimizer = optimizer_with(8e-5)
    schedule = LinearDecay(optimizer, num_updates=total, warmup_updates=warmup)
    around = {warmup - 1, warmup, warmup + 1, total - 1, total, total + 5}
    some = set(range(0, total, max(1, total // 500)))
    for update in sorted(some | {one for one in around if one >= 0}):
        schedule.set_update(update)
        expected = polynomial_rate_in_fairseq(
            update, peak=8e-5, total=total, warmup=warmup
        )
        found = optimizer.param_groups[0]["lr"]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-18), update


def test_linear_decay_by_hand():
    """10 updates of warm-up, then 40 down to nothing; groups under their own peaks."""
    optimizer = optimizer_with(2.0, 1.0)
    schedule = LinearDecay(optimizer, num_updates=50, warmup_updates=10)
    by_hand = {0: 0.0, 5: 0.5, 10: 1.0, 20: 0.75, 30: 0.5, 49: 0.025, 50: 0.0, 99: 0.0}
    for update, scale in by_hand.items():
        schedule.set_update(update)
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == pytest.approx([2 * scale, scale], rel=1e-12)


@pytest.mark.parametrize("warmup", [-1, 50, 51])
def test_a_warm_up_that_makes_no_curve(warmup):
    message = f"warmup_updates must be from 0 to num_updates - 1, 49, got {warmup}"
    with pytest.raises(InputError, match=message):
        LinearDecay(optimizer_with(1.0), num_updates=50, warmup_updates=warmup)


def test_inverse_square_root_with_a_cool_down():
    """As without it up to the last 36 updates; then a straight line down to nothing."""
    optimizer = optimizer_with(2.0)
    plain = InverseSquareRoot(optimizer, warmup_updates=16)
    cooled = InverseSquareRoot(
        optimizer, warmup_updates=16, cooldown_ratio=0.36, num_updates=100
    )
    updates = range(65)
    assert [*map(cooled.scale, updates)] == [*map(plain.scale, updates)]
    assert [cooled.scale(update) for update in (64, 73, 82, 100, 101)] == pytest.approx(
        [0.5, 0.375, 0.25, 0.0, 0.0], rel=1e-12
    )


@pytest.mark.parametrize("total", [3, 10, 11, 40])
def test_a_cool_down_begins_behind_the_warm_up(total):
    """However short the run is."""
    optimizer = optimizer_with(2.0)
    plain = InverseSquareRoot(optimizer, warmup_updates=10)
    cooled = InverseSquareRoot(
        optimizer, warmup_updates=10, cooldown_ratio=1.0, num_updates=total
    )
    updates = range(min(total, 10) + 1)
    assert [*map(cooled.scale, updates)] == [*map(plain.scale, updates)][: total + 1]
    assert cooled.scale(40) == (0.0 if total > 10 else 0.5)


@pytest.mark.parametrize(("ratio", "total"), [(-0.1, 9), (1.1, 9), (0.5, None)])
def test_a_cool_down_that_makes_no_curve(ratio, total):
    """Among them one without an end, which it counts from."""
    with pytest.raises(InputError, match=f"cooldown_ratio must .* got {ratio}"):
        InverseSquareRoot(
            optimizer_with(1.0),
            warmup_updates=2,
            cooldown_ratio=ratio,
            num_updates=total,
        )
