#include "core/base_diagnosis.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace crm::core {

namespace {

// 10:07:33.123 of a day in 2026.
constexpr Timestamp version{820'490'853 * second + 123 * millisecond};
constexpr Timestamp clock_time{version.us + 24 * hour};

BaseProblem
diagnosis(Timestamp base, std::vector<Timestamp> nearby = {version}, std::optional<Timestamp> oldest = std::nullopt)
{
    return diagnose(base, {nearby, oldest}, clock_time);
}

TEST(BaseDiagnosis, Infinity)
{
    EXPECT_EQ(diagnosis(infinity), BaseProblem::infinite);
    EXPECT_EQ(diagnosis(minus_infinity), BaseProblem::infinite);
}

TEST(BaseDiagnosis, CutToSeconds)
{
    EXPECT_EQ(diagnosis({version.us - 123 * millisecond}), BaseProblem::cut_to_seconds);
    EXPECT_EQ(diagnosis({version.us - 123 * millisecond}, {{version.us + hour}, version}), BaseProblem::cut_to_seconds);
    // rounded up, or with a fraction of its own
    EXPECT_EQ(diagnosis({version.us + 877 * millisecond}), BaseProblem::never_a_version);
    EXPECT_EQ(diagnosis({version.us - 100 * millisecond}), BaseProblem::never_a_version);
}

TEST(BaseDiagnosis, CutToSecondsBefore2000)
{
    const Timestamp old{-5 * second + 250 * millisecond};
    EXPECT_EQ(diagnosis({-5 * second}, {old}), BaseProblem::cut_to_seconds);
}

TEST(BaseDiagnosis, EveryZoneOnEarth)
{
    for (Microseconds off : {15 * minute, hour, 2 * hour, 5 * hour + 30 * minute, 5 * hour + 45 * minute,
                             8 * hour + 45 * minute, 12 * hour, 14 * hour})
        for (Microseconds offset : {off, -off})
        {
            EXPECT_EQ(diagnosis({version.us + offset}), BaseProblem::zone_offset) << offset;
            EXPECT_EQ(diagnosis({version.us + offset + 456}), BaseProblem::zone_offset) << "kept in milliseconds";
            EXPECT_EQ(diagnosis({version.us + offset - 456}), BaseProblem::zone_offset) << "kept in milliseconds";
        }
}

TEST(BaseDiagnosis, AZoneAndALostFraction)
{
    EXPECT_EQ(diagnosis({version.us - 123 * millisecond + 2 * hour}), BaseProblem::zone_offset);
    EXPECT_EQ(diagnosis({version.us - 123 * millisecond - 5 * hour - 45 * minute}), BaseProblem::zone_offset);
}

TEST(BaseDiagnosis, NoZoneIsAnythingElse)
{
    for (Microseconds offset : {14 * minute, 20 * minute, hour + 2 * millisecond, hour - 2 * millisecond, 15 * hour,
                                16 * hour, 5 * millisecond, std::int64_t{1000}})
    {
        EXPECT_EQ(diagnosis({version.us + offset}), BaseProblem::never_a_version) << offset;
        EXPECT_EQ(diagnosis({version.us - offset}), BaseProblem::never_a_version) << offset;
    }
}

TEST(BaseDiagnosis, AZoneExplainsMoreThanTheFuture)
{
    EXPECT_EQ(diagnose({version.us + 2 * hour}, {std::span{&version, 1}, std::nullopt}, {version.us + minute}),
              BaseProblem::zone_offset);
}

TEST(BaseDiagnosis, TheFuture)
{
    EXPECT_EQ(diagnosis({clock_time.us + 7}), BaseProblem::in_the_future);
    EXPECT_EQ(diagnosis({clock_time.us + 400 * (24 * hour)}), BaseProblem::in_the_future);
    EXPECT_EQ(diagnosis({9'223'371'331'199'999'999}), BaseProblem::in_the_future);
}

TEST(BaseDiagnosis, OlderThanTheKeptHistory)
{
    const Timestamp oldest{version.us - 100 * (24 * hour)};
    EXPECT_EQ(diagnosis({oldest.us - second - 7}, {version}, oldest), BaseProblem::before_history);
    EXPECT_EQ(diagnosis({oldest.us + second + 7}, {version}, oldest), BaseProblem::never_a_version);
    EXPECT_EQ(diagnosis({oldest.us - second - 7}), BaseProblem::never_a_version);
    EXPECT_EQ(diagnosis({-211'813'488'000 * second}, {version}, oldest), BaseProblem::before_history);
}

TEST(BaseDiagnosis, WithoutVersionsNearby)
{
    EXPECT_EQ(diagnosis({version.us}, {}), BaseProblem::never_a_version);
}

TEST(BaseDiagnosis, CodesDifferAndHintsAreSentences)
{
    std::set<std::string_view> codes;
    for (BaseProblem problem : {BaseProblem::infinite, BaseProblem::cut_to_seconds, BaseProblem::zone_offset,
                                BaseProblem::in_the_future, BaseProblem::before_history, BaseProblem::never_a_version})
    {
        codes.insert(code(problem));
        EXPECT_TRUE(hint(problem).ends_with('.')) << code(problem);
    }
    EXPECT_EQ(codes.size(), 6u);
    EXPECT_FALSE(codes.contains(""));
}

TEST(BaseDiagnosis, CutToSecondsEndsWithTheSecond)
{
    const Timestamp whole{version.us - 123 * millisecond};
    EXPECT_EQ(diagnosis({whole.us - second}, {whole}), BaseProblem::never_a_version);
    EXPECT_EQ(diagnosis({whole.us - second}, {{whole.us - 1}}), BaseProblem::cut_to_seconds);
}

TEST(BaseDiagnosis, EveryQuarterHourIsAZoneUntilTheReachEnds)
{
    for (Microseconds off = 15 * minute; off < reach_of_diagnosis; off += 15 * minute)
        for (Microseconds cut : {-999, 0, 999})
        {
            EXPECT_EQ(diagnosis({version.us + off + cut}), BaseProblem::zone_offset) << off << " " << cut;
            EXPECT_EQ(diagnosis({version.us - off + cut}), BaseProblem::zone_offset) << off << " " << cut;
        }
    for (Microseconds cut : {-1000, 1000})
    {
        EXPECT_EQ(diagnosis({version.us + hour + cut}), BaseProblem::never_a_version) << cut;
        EXPECT_EQ(diagnosis({version.us - hour + cut}), BaseProblem::never_a_version) << cut;
    }
}

// The zone also explains a version with microseconds whose base a client cut to milliseconds.
TEST(BaseDiagnosis, AZoneAndAClientThatKeepsMilliseconds)
{
    const Timestamp legacy{version.us + 999};
    for (Microseconds zone : {5 * hour + 30 * minute, 5 * hour + 45 * minute, hour})
    {
        EXPECT_EQ(diagnosis({version.us + zone}, {legacy}), BaseProblem::zone_offset) << zone;
        EXPECT_EQ(diagnosis({version.us - zone}, {legacy}), BaseProblem::zone_offset) << zone;
    }
}

TEST(BaseDiagnosis, AnyNearbyVersionMayExplainTheBase)
{
    const std::vector<Timestamp> nearby = {{version.us + 7 * minute}, {version.us - 3 * minute}, version};
    EXPECT_EQ(diagnosis({version.us + 2 * hour}, nearby), BaseProblem::zone_offset);
}

TEST(BaseDiagnosis, TheLikelierReasonComesFirst)
{
    const Timestamp whole{version.us - 123 * millisecond};
    const Timestamp past{whole.us - hour};
    const Timestamp ahead{whole.us + 24 * hour};
    // infinite, though it lies ahead or before the history
    EXPECT_EQ(diagnose(infinity, {}, past), BaseProblem::infinite);
    EXPECT_EQ(diagnose(minus_infinity, {{}, whole}, past), BaseProblem::infinite);
    // cut to seconds, though it is an hour off another version, lies ahead and before the history
    const std::vector<Timestamp> both = {{whole.us + hour}, version};
    EXPECT_EQ(diagnose(whole, {both, ahead}, past), BaseProblem::cut_to_seconds);
    // a zone, though it lies ahead and before the history
    const std::vector<Timestamp> zone = {{whole.us + hour}};
    EXPECT_EQ(diagnose(whole, {zone, ahead}, past), BaseProblem::zone_offset);
    // ahead, though it lies before a history that runs ahead of the clock
    EXPECT_EQ(diagnose(whole, {{}, ahead}, past), BaseProblem::in_the_future);
}

TEST(BaseDiagnosis, TheClockItselfIsNotTheFuture)
{
    EXPECT_EQ(diagnose(version, {}, version), BaseProblem::never_a_version);
    EXPECT_EQ(diagnose(version, {}, {version.us - 1}), BaseProblem::in_the_future);
}

TEST(BaseDiagnosis, CodesAreStable)
{
    EXPECT_EQ(code(BaseProblem::infinite), "infinite");
    EXPECT_EQ(code(BaseProblem::cut_to_seconds), "cut_to_seconds");
    EXPECT_EQ(code(BaseProblem::zone_offset), "zone_offset");
    EXPECT_EQ(code(BaseProblem::in_the_future), "in_the_future");
    EXPECT_EQ(code(BaseProblem::before_history), "before_history");
    EXPECT_EQ(code(BaseProblem::never_a_version), "never_a_version");
}

}  // namespace

}  // namespace crm::core
