from cvcourse import sealed
from questions import lessons, text

for name, parts in lessons().items():
    (sealed.FOLDER / f"{name}.json").write_text(text(parts), encoding="utf-8")
    print(name, {part or "quiz": len(found) for part, found in parts.items()})
