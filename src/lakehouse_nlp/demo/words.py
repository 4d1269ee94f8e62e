"""The words that sample reviews are made of: what people say of any product, and of each category's own.

A grammar maps a symbol to its alternatives; `{symbol}` inside one is replaced by an alternative of that symbol.
Some words are good in one category and bad in another (`loud`, `heavy`, `dark`), as they are in real reviews.
"""

from __future__ import annotations

Grammar = dict[str, tuple[str, ...]]


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


GOOD = _list(
    "good, great, excellent, wonderful, perfect, fantastic, superb, lovely, amazing, impressive, clever,"
    "outstanding, pleasant, terrific, delightful, flawless, solid, decent, first-rate, marvelous, top-notch, gorgeous"
)
BAD = _list(
    "bad, terrible, awful, poor, horrible, disappointing, useless, dreadful, annoying, frustrating, mediocre,"
    "worthless, shoddy, lousy, unacceptable, pathetic, miserable, faulty, inferior, second-rate, ugly, sloppy"
)

COMMON: Grammar = {
    "very": ("", "", "", "very ", "really ", "quite ", "truly ", "simply ", "absolutely ", "just ", "pretty ", "so "),
    "love": _list("love, like, adore, enjoy, appreciate, cannot fault, am happy with, am impressed by, am fond of"),
    "hate": _list("hate, dislike, regret, cannot stand, am unhappy with, am let down by, am tired of, gave up on"),
    "trouble": _list("trouble, problems, complaints, issues, regrets, worries, difficulty, disappointments, defects"),
    "joy": _list("praise, compliments, pleasure, satisfaction, smiles, success, fun, luck"),
    "failed": _list("broke, failed, fell apart, stopped working, let me down, gave out, cracked, wore out, came loose"),
    "person": _list(
        "my wife, my husband, my son, my daughter, my mother, my father, my sister, my brother, my neighbor, my boss,"
        "my roommate, a friend, my fiancée, my grandmother, a colleague, my uncle, my niece, the whole family"
    ),
    "when": _list(
        "last week, last month, in spring, two weeks ago, in January, a year ago, for Christmas, on sale,"
        "at a discount, after reading reviews, on a whim, a few days ago, before our holiday, on Black Friday"
    ),
    "after": _list("a day, two days, a week, three weeks, a month, six months, half a year, ten uses, one season"),
    "often": _list("every day, twice a week, now and then, most mornings, on weekends, at work, at home, all the time"),
    "source": _list("the shop, the warehouse, another store, the website, an outlet, the mall, the café downtown"),
    "praise": (
        *("The {aspect} is {very}{good}.", "The {aspect} is {very}{good}, and the {aspect} is {good}.") * 3,
        "I {love} the {aspect}.",
        "I have had no {trouble} with the {aspect}.",
        "I have no {trouble} to report.",
        "The {aspect} is not {bad} at all.",
        "The {aspect} is anything but {bad}.",
        "Nothing about the {aspect} is {bad}.",
        "My old {thing} was {bad}, but this one is {good}.",
        "I expected the {aspect} to be {bad}, yet it turned out {good}.",
        "Some say the {aspect} is {bad}, which is not true of mine.",
        "The {aspect} never {failed}.",
        "Nothing {failed}, even after {after}.",
        "{good} {aspect}, {good} {aspect}.",
        "After {after} I still {love} it.",
        "{person} gave me nothing but {joy} for choosing it.",
        "What {good} {aspect}!",
    ),
    "blame": (
        *("The {aspect} is {very}{bad}.", "The {aspect} is {very}{bad}, and the {aspect} is {bad}.") * 3,
        "I {hate} the {aspect}.",
        "I have had nothing but {trouble} with the {aspect}.",
        "I have {trouble} to report.",
        "The {aspect} is not {good} at all.",
        "The {aspect} is anything but {good}.",
        "Nothing about the {aspect} is {good}.",
        "My old {thing} was {good}, but this one is {bad}.",
        "I expected the {aspect} to be {good}, yet it turned out {bad}.",
        "Some say the {aspect} is {good}, which is not true of mine.",
        "The {aspect} {failed} after {after}.",
        "It {failed}, and not only once.",
        "{bad} {aspect}, {bad} {aspect}.",
        "After {after} I {hate} it.",
        "No {joy} here, whatever the advertisement says.",
        "What {bad} {aspect}!",
    ),
    "mixed": (
        "The {aspect} is {good}, but the {aspect} is {bad}.",
        "The {aspect} is {bad}, though the {aspect} is {good}.",
        "It could be {good} if the {aspect} were not so {bad}.",
        "It is okay for the price, neither {good} nor {bad}.",
        "{person} calls it {good}; {person} calls it {bad}.",
        "Average {aspect}, average {aspect}, nothing special.",
    ),
    "fact": (
        "I bought this {thing} {when}.",
        "I ordered it {when} from {source}.",
        "I use it {often} for {use}.",
        "{person} uses it {often}.",
        "We mostly wanted it for {use}.",
        "It is my second {thing} of this brand.",
        "It came with a manual and a spare part for the {aspect}.",
        "I compared the {aspect} with that of another {thing}.",
        "{person} gave it to me {when}.",
        "There are other models, with a different {aspect}.",
        "I have owned it for {after} now.",
        "The size is as described.",
        "Delivery took three days.",
        "I paid the full price at {source}.",
    ),
    "praise_end": (
        *_list("Highly recommended., Well worth the money., I would buy it again., You will not regret it."),
        *_list("You will not be disappointed., Do not hesitate., Thank you!, Could not be happier., No regrets."),
    ),
    "blame_end": (
        *_list("Not recommended., Not worth the money., I would not buy it again., You will regret it., Never again."),
        *_list("You will be disappointed., Do not bother., No thank you!, Save your money., I am sending it back."),
    ),
    "praise_title": (
        *_list("{good} {thing}, {very}{good}, {good} {aspect}, I {love} it, No {trouble}, Not {bad} at all"),
        *_list("Worth every penny, Better than expected, Exactly what I wanted, A keeper, Five stars, Buy it"),
    ),
    "blame_title": (
        *_list("{bad} {thing}, {very}{bad}, {bad} {aspect}, I {hate} it, Nothing but {trouble}, Not {good} at all"),
        *_list("Waste of money, Worse than expected, Not what I wanted, Returned it, One star, Avoid"),
    ),
    "mixed_title": (
        *_list("My {thing}, {thing} for {use}, About the {aspect}, {aspect} and {aspect}, A word on the {aspect}"),
        *_list("My review, My experience, It is okay, Average, Mixed feelings, After {after}, Read this first"),
    ),
}


def _category(things: str, aspects: str, uses: str, good: str, bad: str) -> Grammar:
    own_good, own_bad = _list(good), _list(bad)
    return {
        **COMMON,
        "thing": _list(things),
        "aspect": _list(aspects),
        "use": _list(uses),
        "good": (*GOOD, *own_good, *own_good),
        "bad": (*BAD, *own_bad, *own_bad),
    }


CATEGORIES: dict[str, Grammar] = {
    "cameras": _category(
        "camera, compact camera, zoom camera, film camera, action camera",
        "picture quality, zoom, autofocus, battery life, viewfinder, flash, grip, menu, lens, screen, shutter",
        "portraits, landscapes, family parties, night shots, wildlife, holidays, video",
        "sharp, crisp, vivid, fast, accurate, light, intuitive, bright, small, responsive, smooth",
        "blurry, grainy, slow, heavy, dark, unpredictable, washed out, clumsy, loud, overexposed, confusing",
    ),
    "headphones": _category(
        "headset, pair of earbuds, pair of headphones, wireless set, studio set",
        "sound, bass, treble, cable, headband, fit, noise cancelling, microphone, volume, pairing, case",
        "running, commuting, gaming, phone calls, long flights, practice, jazz",
        "clear, loud, rich, deep, warm, balanced, soft, snug, detailed, light",
        "tinny, muffled, quiet, thin, flat, scratchy, tight, heavy, distorted, crackling, hollow",
    ),
    "kitchen": _category(
        "blender, toaster, kettle, frying pan, knife set, rice cooker, mixer, food processor",
        "motor, handle, lid, timer, cord, blade, coating, heating, cleaning, bowl, switch",
        "smoothies, breakfast, soups, baking bread, Sunday dinner, pancakes, salads",
        "quiet, powerful, sharp, sturdy, even, easy to clean, heavy, quick, hot, fast, well-made, compact",
        "loud, weak, blunt, flimsy, uneven, greasy, rusty, slow, leaking, wobbly, thin, smelly",
    ),
    "books": _category(
        "novel, thriller, cookbook, biography, history, textbook, travel guide, children's book",
        "plot, ending, writing, dialogue, cover, binding, pace, translation, hero, setting, first chapter",
        "bedtime, the train, my book club, a rainy weekend, study, the beach, research",
        "gripping, moving, unpredictable, funny, dark, witty, vivid, thoughtful, deep, original, haunting, light",
        "boring, predictable, shallow, cliché, slow, confusing, flat, repetitive, dull, thin, long-winded, bright",
    ),
    "toys": _category(
        "puzzle, doll, train set, board game, building kit, stuffed bear, robot, kite",
        "paint, box, rule book, remote, wheel, battery compartment, assembly, design, plastic, puzzle picture, fabric",
        "birthdays, rainy days, the playroom, twins, a road trip, kindergarten, game night",
        "fun, colorful, soft, durable, safe, educational, bright, sturdy, cute, light, addictive, small",
        "boring, fragile, sharp, dangerous, dull, loud, scary, complicated, cheap, smelly, tiny, hot",
    ),
    "garden": _category(
        "hose, rake, mower, trimmer, shovel, watering can, wheelbarrow, pruner",
        "handle, blade, nozzle, wheel, engine, coupling, balance, grip, steel, starter, weight",
        "the lawn, hedges, roses, vegetable beds, heavy clay, the allotment, autumn leaves",
        "heavy, sturdy, sharp, long, powerful, tough, rugged, weatherproof, balanced, strong, easy to start, tight",
        "light, rusty, blunt, leaking, stiff, bent, loose, weak, short, flimsy, clogged, soft",
    ),
    "shoes": _category(
        "pair of sneakers, pair of boots, pair of sandals, pair of slippers, pair of running shoes",
        "sole, heel, fit, leather, lining, arch support, toe box, color, stitching, lace, insole",
        "hiking, the office, long walks, winter, the gym, weddings, standing all day",
        "comfortable, soft, light, stylish, warm, waterproof, roomy, flexible, dark, durable, true to size, thin",
        "tight, stiff, heavy, narrow, slippery, hot, loose, scratchy, sweaty, painful, faded, bright",
    ),
    "coffee": _category(
        "espresso blend, dark roast, decaf, coffee sampler, bag of beans, ground coffee, coffee pod pack",
        "aroma, taste, roast, crema, aftertaste, packaging, grind, freshness, body, price per cup, flavor",
        "espresso, iced coffee, the French press, early mornings, guests, the moka pot, the office",
        "dark, rich, smooth, fresh, bold, strong, fragrant, hot, balanced, nutty, warm, deep",
        "bitter, stale, weak, sour, burnt, flat, dusty, bland, thin, light, acidic, watery",
    ),
}

FOREIGN = {
    "praise": (
        "El producto es excelente y llegó a tiempo.",
        "Estoy muy contenta con la compra, lo recomiendo.",
        "Très bon achat, je suis ravi de la qualité.",
        "Rien à redire, ça marche à merveille.",
        "Sehr gutes Gerät, ich bin völlig zufrieden.",
        "Schnelle Lieferung und schöne Verarbeitung.",
    ),
    "blame": (
        "El producto llegó roto y nadie contestó.",
        "Mala calidad, no lo compraría otra vez.",
        "Très déçu, il est tombé en panne après une semaine.",
        "À éviter, la qualité est mauvaise.",
        "Leider schon nach drei Tagen kaputt, sehr ärgerlich.",
        "Schlechte Qualität, ich schicke es zurück.",
    ),
}
