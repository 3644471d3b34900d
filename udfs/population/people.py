"""The people of a synthetic population: who lives in a household, and what each is. All coefficients are made up."""

from __future__ import annotations

import numpy as np

from udfs.population.catalogue import catalogue
from udfs.population.drawing import Draft, Values

# who makes up a household of each type, by size; the head first
_HEAD, _SPOUSE, _CHILD, _ADULT_CHILD, _PARENT, _OTHER = range(6)
MEMBERS = {
    ("single", 1): (_HEAD,),
    ("single_elderly", 1): (_HEAD,),
    ("couple", 2): (_HEAD, _SPOUSE),
    ("elderly_couple", 2): (_HEAD, _SPOUSE),
    ("nuclear", 3): (_HEAD, _SPOUSE, _CHILD),
    ("nuclear", 4): (_HEAD, _SPOUSE, _CHILD, _CHILD),
    ("nuclear", 5): (_HEAD, _SPOUSE, _CHILD, _CHILD, _CHILD),
    ("single_parent", 2): (_HEAD, _CHILD),
    ("single_parent", 3): (_HEAD, _CHILD, _CHILD),
    ("adult_children", 2): (_HEAD, _ADULT_CHILD),
    ("adult_children", 3): (_HEAD, _SPOUSE, _ADULT_CHILD),
    ("adult_children", 4): (_HEAD, _SPOUSE, _ADULT_CHILD, _ADULT_CHILD),
    ("three_generations", 4): (_HEAD, _SPOUSE, _CHILD, _PARENT),
    ("three_generations", 5): (_HEAD, _SPOUSE, _CHILD, _PARENT, _PARENT),
    ("three_generations", 6): (_HEAD, _SPOUSE, _CHILD, _CHILD, _PARENT, _PARENT),
    ("sharing", 2): (_HEAD, _OTHER),
    ("sharing", 3): (_HEAD, _OTHER, _OTHER),
    ("sharing", 4): (_HEAD, _OTHER, _OTHER, _OTHER),
}
LARGEST = 6

# head's age by type: centre, spread, lowest, highest
_AGES = {
    "single": (35, 10, 20, 59),
    "single_elderly": (73, 9, 60, 97),
    "couple": (41, 12, 22, 59),
    "elderly_couple": (69, 8, 60, 94),
    "nuclear": (38, 6, 23, 56),
    "single_parent": (39, 7, 21, 58),
    "adult_children": (55, 6, 43, 74),
    "three_generations": (38, 5, 25, 52),
    "sharing": (29, 6, 18, 55),
}


def populate(draft: Draft) -> None:
    """Adds persons with role, age, sex; needs households with type and size."""
    types = catalogue()["household_type"].categories
    sizes = draft["household_size"].astype(np.int64)
    roles = np.zeros((len(types), LARGEST + 1, LARGEST), dtype=np.int16)
    for (name, size), members in MEMBERS.items():
        roles[types.index(name), size, :size] = members
    household = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(household)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    draft.ids["person"] = draft.ids["household"][household] * np.uint64(8) + place.astype(np.uint64)
    draft.parents["person"] = household
    role = roles[draft.code("household_type")[household], sizes[household], place]
    draft.set("role", role)
    _ages(draft, role, household, place)
    _sexes(draft, role, household)
    couple = np.bincount(household, weights=role == _SPOUSE, minlength=len(sizes)) > 0
    alone_old = (role == _PARENT) & (draft.uniform("married", "person") < 0.6)
    draft.set("married", ((role == _HEAD) & couple[household]) | (role == _SPOUSE) | alone_old)


def _ages(draft: Draft, role: Values, household: Values, place: Values) -> None:
    types = catalogue()["household_type"].categories
    centre, spread, low, high = np.array([_AGES[each] for each in types], dtype=np.float64).T[
        :, draft.code("household_type")
    ]
    # old houses have older people
    older = np.where(draft.is_("neighbourhood_kind", "walk_up_early", "walk_up_late"), 2.0, -1.0)
    centre = centre + draft.lift(older, "neighbourhood", "household")
    head = np.clip(centre + spread * draft.normal("age:head", "household"), low, high)[household]
    elderly = draft.is_("household_type", "elderly_couple")[household]
    noise = draft.normal("age", "person")
    # children come three years apart, the first at about 27
    child = np.clip(head - 27 - 3 * (place - 2) + 3 * noise, 0, 17.99)
    age = np.choose(
        role,
        (
            head,
            np.maximum(head - 1.5 + 2.5 * noise, np.where(elderly, 58, 20)),
            child,
            np.clip(head - 27 + 3 * noise, 18, 45),
            np.clip(head + 27 + 6 * noise, 50, 97),
            np.clip(head + 5 * noise, 18, 60),
        ),
    )
    draft.set("age", np.floor(age))


def _sexes(draft: Draft, role: Values, household: Values) -> None:
    # women live longer, and more often raise children alone
    chances = dict.fromkeys(catalogue()["household_type"].categories, 0.7)
    chances |= {"single": 0.54, "single_elderly": 0.36, "single_parent": 0.25, "sharing": 0.55}
    head_male = draft.uniform("sex:head", "household") < draft.table("household_type", chances)
    of_head = head_male[household]
    # of two parents the mother comes first
    second_parent = (role == _PARENT) & np.concatenate(([False], role[:-1] == _PARENT))
    second_parent &= np.concatenate(([False], household[:-1] == household[1:]))
    other = draft.uniform("sex", "person") < 0.515
    male = np.where(role == _HEAD, of_head, np.where(role == _SPOUSE, ~of_head, other))
    male = np.where(role == _PARENT, second_parent, male)
    draft.set("sex", np.where(male, 0, 1))


def educate(draft: Draft) -> None:
    """Education (by birth, sex and the household's band), school, hukou."""
    age = draft["age"]
    band = draft.lift(draft.code("income_band"), "household", "person").astype(np.float64) - 2
    common = draft.lift(draft.normal("education:household", "household"), "household", "person")
    latent = 0.5 * common + 0.8 * draft.normal("education", "person") + 0.4 * band
    latent += np.clip(0.035 * (48 - age), -1.6, 0.7) - 0.15 * ((age > 60) & draft.is_("sex", "female"))
    reached = np.digitize(latent, (-2.6, -1.5, -0.25, 0.55))
    by_age = np.digitize(age, (7, 12, 15, 18))
    draft.set("education", np.where(age < 22, np.minimum(reached.clip(2), by_age), reached))
    at_college = (age >= 18) & (age < 23) & (reached == 4) & draft.is_("role", "adult_child", "child", "other")
    draft.set("student", ((age >= 6) & (age < 18)) | (at_college & (draft.uniform("student", "person") < 0.85)))
    owns = draft.lift(draft.is_("tenure", "rented"), "unit", "household")
    migrant = draft.uniform("hukou:household", "household") < np.where(owns, 0.62, 0.12)
    draft.chance("hukou_local", np.where(draft.lift(migrant, "household", "person"), 0.06, 0.985))
    away = ~draft.flag("hukou_local") & (draft.uniform("away", "person") < 0.35)
    months = np.where(away, np.ceil(draft.uniform("months", "person") * 12), 12)
    draft.set("months_in_city", months)


def employ(draft: Draft) -> None:
    """Health first, for it decides who works; then work, retirement, insurance."""
    age, male = draft["age"], draft.is_("sex", "male")
    education = draft.code("education").astype(np.float64)
    band = draft.lift(draft.code("income_band"), "household", "person").astype(np.float64) - 2
    _health(draft, age, band)
    working_age = (age >= 18) & (age < np.where(male, 60, 55)) & ~draft.flag("student")
    late = (age >= np.where(male, 60, 55)) & (age < 72)
    p = np.where(male, 0.9, 0.76) + 0.02 * (education - 2) + 0.05 * band - 0.4 * draft.flag("disabled")
    p = np.where(working_age, np.clip(p, 0.05, 0.97), np.where(late, 0.16, 0.0))
    draft.chance("employed", p)
    employed = draft.flag("employed")
    jobless = draft.lift(draft["unemployment_rate"], "district", "person")
    draft.chance("unemployed", jobless * 4.5, working_age & ~employed)
    draft.chance("self_employed", np.where(late, 0.7, 0.3 - 0.05 * (education - 2)), employed)
    draft.set("retired", (age >= np.where(male, 60, 55)) & ~employed)
    draft.pick(
        "sector",
        ("public", "manufacturing", "construction", "trade", "services"),
        (0.04 + 0.055 * education, 0.3 - 0.03 * education, 0.16 - 0.03 * education, 0.2, 0.2 + 0.03 * education),
    )
    draft.set("sector", np.where(employed, draft.code("sector"), 0))
    draft.chance("formal_contract", 0.55 + 0.1 * (education - 2), employed & ~draft.flag("self_employed"))
    hours = np.clip(46 + 8 * draft.normal("hours_worked", "person"), 12, 84)
    draft.set("hours_worked", np.where(employed, hours, 0))
    commute = np.clip(34 * np.exp(0.5 * draft.normal("commute_time", "person")), 3, 150)
    draft.set("commute_time", np.where(employed, commute, 0))
    formal = draft.flag("formal_contract")
    was_formal = draft.flag("retired") & (draft.uniform("was_formal", "person") < 0.66 + 0.12 * (education - 1))
    draft.set("insured_pension", formal | was_formal)
    draft.chance("insured_medical", np.where(draft.flag("hukou_local"), 0.965, 0.85))
    draft.set("insured_unemployment", formal & (draft.uniform("insured_unemployment", "person") < 0.8))


def _health(draft: Draft, age: Values, band: Values) -> None:
    risk = 1 / (1 + np.exp(-(-4.2 + 0.055 * age - 0.12 * band)))
    draft.chance("chronic_illness", np.minimum(1.6 * risk, 0.85))
    ill = draft.flag("chronic_illness")
    draft.pick("health", ("poor", "fair", "good"), (risk * np.where(ill, 0.75, 0.2), risk * 0.9 + 0.08, 1 - risk * 0.6))
    draft.chance("disabled", 0.015 + 0.0012 * np.maximum(age - 20, 0))
    disabled = draft.flag("disabled")
    frail = np.clip((age - 68) * 0.018, 0, 0.6)
    draft.chance("mobility_limited", np.where(disabled, 0.42, 0.004 + frail))
    draft.chance("care_needed", np.where(age >= 60, 0.4, 0.2), draft.flag("mobility_limited"))


def _connected(draft: Draft) -> None:
    age, education = draft["age"], draft.code("education").astype(np.float64)
    draft.chance("online", 1 / (1 + np.exp(-(5.2 - 0.085 * age + 0.45 * (education - 2)))), age >= 6)
    draft.chance("smartphone", np.where(draft.flag("online"), 0.98, 0.3), age >= 8)


def relate(draft: Draft) -> None:
    """What people think and do about the city, and the households' latent opinions (-1 .. 1)."""
    _connected(draft)
    age = draft["age"]
    grown = age >= 16
    draft.chance("volunteer", np.where(age >= 55, 0.17, 0.11), grown)
    band = draft.lift(draft.code("income_band"), "household", "person").astype(np.float64) - 2
    worn = 1 - (draft["pipe_condition"] + draft["facade_condition"] + draft["roof_condition"]) / 3
    worn_unit = draft.lift(worn, "building", "unit")
    worn_person = draft.lift(worn, "building", "person")
    shared = draft.lift(draft.normal("trust:household", "household"), "household", "person")
    draft.scattered("trust_in_government", 0.68 + 0.0012 * (age - 40) + 0.07 * shared, 0.13, 0, 1)
    trust = draft["trust_in_government"]
    draft.scattered("satisfaction_services", 0.42 + 0.35 * trust - 0.15 * worn_person, 0.14, 0, 1)
    draft.scattered("concern_safety", 0.5 + 0.25 * worn_person, 0.17, 0, 1)
    renting = draft.lift(~draft.is_("tenure", "owner_occupied"), "unit", "person")
    draft.scattered("concern_housing", 0.35 + 0.3 * worn_person + 0.15 * renting - 0.03 * band, 0.17, 0, 1)
    draft.scattered("concern_environment", 0.45 + 0.03 * (draft.code("education") - 2.0), 0.17, 0, 1)
    complaints = -np.log(draft.uniform("complaints_filed", "person")) * (
        0.2 + 0.6 * (1 - draft["satisfaction_services"])
    )
    draft.set("complaints_filed", np.where(grown, np.floor(complaints), 0))
    _opinions(draft, worn_unit)


def _opinions(draft: Draft, worn: Values) -> None:
    # a unit is a household: their positions are the same
    def told(name: str, centre: Values) -> None:
        draft.set(name, np.tanh(centre + 0.45 * draft.normal(name, "household")))

    owner = draft.is_("tenure", "owner_occupied")
    band = draft.code("income_band") - 2.0
    old = np.minimum(draft["elderly_60"], 1)
    draft.set("owner", owner)
    connected = draft.up(draft.flag("online").astype(np.float64), "person") > 0
    draft.chance("informed", np.where(connected, 0.78, 0.6) - 0.15 * ~owner)
    told("opinion_renovation", 0.1 + 1.0 * worn + 0.12 * owner + 0.04 * band)
    told("opinion_parking", -0.15 + 0.45 * draft.flag("has_car") - 0.12 * old)
    floor = draft["floor"]
    lift = np.where(draft.flag("ground_floor"), -0.55, np.clip(0.18 * (floor - 2), -0.1, 0.8))
    told("opinion_lift", lift + 0.15 * old * (floor > 2))
    told("opinion_relief", 0.25 + 0.4 * np.minimum(draft["flood_depth"], 1.5) - 0.06 * band)
