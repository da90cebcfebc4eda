// The input is three values of a field ("-" is null), the version, base, status asked for and status there, whether a
// comment was asked for and whether fields differ, and then a kept comment, the clock and a window.
#include "core/decision.h"

#include <algorithm>
#include <string>

#include "core/version.h"
#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::Input;
using fuzz::require;

namespace {

// What a field holds after a merge that did not collide.
Value
merged(Merge what, const Value &mine, const Value &theirs)
{
    return what == Merge::write ? mine : theirs;
}

// The same value with another text.
std::optional<std::string>
renamed(const Value &value)
{
    return value ? std::optional{"~" + std::string{*value}} : std::nullopt;
}

void
three_values(const Value &was, const Value &mine, const Value &theirs)
{
    const Merge what = merge(was, mine, theirs);
    require((what == Merge::collide) == (mine != was && theirs != was && mine != theirs),
            "values collide where both changed, and not to the same");
    require((what == Merge::collide) == (merge(was, theirs, mine) == Merge::collide), "values collide either way");
    if (what != Merge::collide)
    {
        const Value result = merged(what, mine, theirs);
        require(result == (mine == was ? theirs : mine), "who changed a field has it as asked");
        require(result == merged(merge(was, theirs, mine), theirs, mine), "the first to save makes no difference");
        require(merge(was, mine, result) == Merge::leave, "what is merged is not merged again");
        require((what == Merge::write) == (result != theirs), "only what differs is written");
    }
    require(merge(was, was, theirs) == Merge::leave, "who changes nothing writes nothing");
    require(merge(was, mine, mine) == Merge::leave, "what is there is not written");
    require(merge(was, mine, was) == (mine == was ? Merge::leave : Merge::write),
            "what nobody else changed is written");
    require(merge(std::nullopt, mine, theirs) == (mine == theirs ? Merge::leave : Merge::collide),
            "without what was, nothing is written");

    const std::optional<std::string> was_too = renamed(was), mine_too = renamed(mine), theirs_too = renamed(theirs);
    require(merge(Value{was_too}, mine_too, theirs_too) == what, "only what is equal matters, not what it is");
}

void
a_save(Input &input)
{
    const Timestamp version = input.time();
    const Timestamp base = input.time();
    const std::optional<std::string_view> asked = input.value();
    const std::optional<std::string_view> there = input.value();
    const bool has_comment = input.yes();
    const bool fields_differ = input.yes();
    const Current current = {version, there, fields_differ};
    const auto request = [&](Timestamp from, bool merges) {
        const auto comment = has_comment ? std::optional<std::string_view>{"Called"} : std::nullopt;
        return Request{from, asked, comment, "ana", {}, {}, merges};
    };

    const bool changes = changes_status(request(base, false), current);
    require(changes == (asked.has_value() && (!there.has_value() || *asked != *there)),
            "a status is changed to another");
    const Outcome outcome = decide(situation_of(request(base, false), current));
    require((outcome == Outcome::conflict) == !same_version(base, version), "any base but the version is a conflict");
    if (outcome != Outcome::conflict)
    {
        const bool does_something = changes || has_comment || fields_differ;
        require(outcome == (does_something ? Outcome::updated : Outcome::unchanged),
                "a save that does nothing writes nothing");
        require(decide(situation_of(request(cut_to_millisecond(version), false), current)) == outcome,
                "a base kept in milliseconds is current");
    }
    require(decide(situation_of(request(base, true), current)) == outcome,
            "merging is no matter of a base that is current");
}

void
a_kept_comment(Input &input)
{
    const Timestamp based_on = input.time();
    const Timestamp created_at = input.time();
    const std::optional<Timestamp> adopted = input.optional_time();
    const KeptComment kept = {based_on, created_at, adopted};
    const KeptComment pending = {based_on, created_at, std::nullopt};
    const Timestamp base = input.time();
    const Timestamp clock = {input.number(first_possible_version.us, last_possible_version.us)};
    const Microseconds window = input.number(0, std::int64_t{std::numeric_limits<int>::max()} * second);

    require(repeats(kept, based_on, clock, window), "the same request repeats itself at any time");
    require(!adopts(kept, clock, window) || !adopted, "a comment is adopted once");
    require(!adopts(kept, clock, window) || repeats(kept, base, clock, window), "what is adopted would be repeated");
    require(!adopts(kept, clock, 0), "a window of zero adopts nothing");
    require(repeats(pending, base, clock, window) || !repeats(kept, base, clock, window),
            "an adoption repeats no more than before");
    for (const KeptComment &comment : {kept, pending})
    {
        require(!repeats(comment, base, clock, window) || repeats(comment, base, clock, window + second),
                "a longer window repeats no less");
        require(!repeats(comment, base, clock, window) || repeats(comment, base, std::min(clock, created_at), window),
                "what is repeated late is repeated earlier");
    }
    if (adopted && is_finite(*adopted) && !same_version(*adopted, based_on))
        require(!repeats(kept, *adopted, clock, window), "who saw the adoption repeats nothing");
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    Input input{data, size};
    const Value was = input.value(), mine = input.value(), theirs = input.value();
    three_values(was, mine, theirs);
    a_save(input);
    a_kept_comment(input);
    return 0;
}
