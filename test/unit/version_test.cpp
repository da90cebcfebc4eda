#include "core/version.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

namespace crm::core {

namespace {

constexpr Timestamp
ms(std::int64_t n)
{
    return {n * millisecond};
}

// A moment of 2026, far from every edge.
constexpr Timestamp moment{820'454'400 * second + 123 * millisecond};

// Timestamps near every edge there is.
std::vector<Timestamp>
edges()
{
    // the ends of timestamptz: 4714-11-24 BC and the last microsecond of 294276
    const std::int64_t first = -211'813'488'000 * second;
    const std::int64_t last = 9'223'371'331'199'999'999;
    std::vector<Timestamp> all = {minus_infinity, infinity, {first}, {last}, {0}, {-1}, {1}, moment};
    for (Timestamp t : {first_possible_version, last_possible_version, last_version_to_give})
        for (std::int64_t d : {-1001, -1000, -1, 0, 1, 1000, 1001})
            all.push_back({t.us + d});
    return all;
}

TEST(Version, RangeIsYears1To9999)
{
    EXPECT_TRUE(is_possible_version(first_possible_version));
    EXPECT_FALSE(is_possible_version({first_possible_version.us - 1}));
    EXPECT_TRUE(is_possible_version(last_possible_version));
    EXPECT_FALSE(is_possible_version({last_possible_version.us + 1}));
    EXPECT_FALSE(is_possible_version(infinity));
    EXPECT_FALSE(is_possible_version(minus_infinity));
}

TEST(Version, AVersionToGiveLeavesAYearOfOthers)
{
    EXPECT_TRUE(is_version_to_give(first_possible_version));
    EXPECT_TRUE(is_version_to_give(last_version_to_give));
    EXPECT_FALSE(is_version_to_give({last_version_to_give.us + 1}));
    EXPECT_FALSE(is_version_to_give(infinity));
    EXPECT_FALSE(is_version_to_give(minus_infinity));
    EXPECT_EQ(last_possible_version.us - last_version_to_give.us, 365 * (24 * hour));
}

TEST(Version, ATimeOfWholeMillisecondsMeansAllOfItsMillisecond)
{
    EXPECT_EQ(latest_meant(moment), Timestamp{moment.us + 999});
    EXPECT_EQ(latest_meant({-2 * millisecond}), Timestamp{-2 * millisecond + 999});
    for (std::int64_t us : {1, 500, 999})
        EXPECT_EQ(latest_meant({moment.us + us}), Timestamp{moment.us + us});
    EXPECT_EQ(latest_meant({-1}), Timestamp{-1});
    EXPECT_EQ(latest_meant(infinity), infinity);
    EXPECT_EQ(latest_meant(minus_infinity), minus_infinity);
}

TEST(Version, SameWhenLessThanAMillisecondApart)
{
    EXPECT_TRUE(same_version(moment, moment));
    EXPECT_TRUE(same_version(moment, {moment.us + 999}));
    EXPECT_TRUE(same_version(moment, {moment.us - 999}));
    EXPECT_FALSE(same_version(moment, {moment.us + 1000}));
    EXPECT_FALSE(same_version(moment, {moment.us - 1000}));
}

TEST(Version, InfinityNamesNoVersion)
{
    EXPECT_FALSE(same_version(infinity, infinity));
    EXPECT_FALSE(same_version(minus_infinity, minus_infinity));
    EXPECT_FALSE(same_version(moment, infinity));
    EXPECT_FALSE(same_version(minus_infinity, moment));
    EXPECT_FALSE(is_successor(infinity, moment));
    EXPECT_FALSE(is_successor(moment, minus_infinity));
}

TEST(Version, BoundsOfAVersionAreThoseOfSameVersion)
{
    EXPECT_TRUE(same_version(earliest_of_version(moment), moment));
    EXPECT_FALSE(same_version({earliest_of_version(moment).us - 1}, moment));
    EXPECT_TRUE(same_version(latest_of_version(moment), moment));
    EXPECT_FALSE(same_version({latest_of_version(moment).us + 1}, moment));
    EXPECT_EQ(earliest_of_version(minus_infinity), minus_infinity);
    EXPECT_EQ(latest_of_version(infinity), infinity);
}

TEST(Version, CutsDownAlsoBefore2000)
{
    EXPECT_EQ(cut_to_millisecond({1999}), ms(1));
    EXPECT_EQ(cut_to_millisecond({1000}), ms(1));
    EXPECT_EQ(cut_to_millisecond({0}), ms(0));
    EXPECT_EQ(cut_to_millisecond({-1}), ms(-1));
    EXPECT_EQ(cut_to_millisecond({-1000}), ms(-1));
    EXPECT_EQ(cut_to_millisecond({-1001}), ms(-2));
}

TEST(Version, FirstIsTheClockCutToMilliseconds)
{
    EXPECT_EQ(next_version(std::nullopt, {moment.us + 456}), moment);
}

TEST(Version, NextIsTheClockWhenItIsAhead)
{
    EXPECT_EQ(next_version(moment, {moment.us + 5 * millisecond + 7}), Timestamp{moment.us + 5 * millisecond});
    EXPECT_EQ(next_version(moment, {moment.us + millisecond}), Timestamp{moment.us + millisecond});
}

TEST(Version, NextIsOneMillisecondOnInTheSameTick)
{
    EXPECT_EQ(next_version(moment, moment), Timestamp{moment.us + millisecond});
    EXPECT_EQ(next_version(moment, {moment.us + 999}), Timestamp{moment.us + millisecond});
}

TEST(Version, NextIsOneMillisecondOnWhenTheClockWasSetBack)
{
    EXPECT_EQ(next_version(moment, {moment.us - hour}), Timestamp{moment.us + millisecond});
    EXPECT_EQ(next_version(moment, minus_infinity), Timestamp{moment.us + millisecond});
}

TEST(Version, NextRoundsMicrosecondsOfOlderVersionsUp)
{
    const Timestamp legacy{moment.us + 1};
    EXPECT_EQ(next_version(legacy, moment), Timestamp{moment.us + 2 * millisecond});
    EXPECT_EQ(next_version(Timestamp{moment.us + 999}, moment), Timestamp{moment.us + 2 * millisecond});
    EXPECT_EQ(next_version(Timestamp{-1}, {-hour}), ms(1));
}

TEST(Version, NextEndsWithTheRange)
{
    EXPECT_EQ(next_version(Timestamp{last_possible_version.us - millisecond}, moment), last_possible_version);
    EXPECT_EQ(next_version(Timestamp{last_possible_version.us - millisecond + 1}, moment), std::nullopt);
    EXPECT_EQ(next_version(last_possible_version, moment), std::nullopt);
    EXPECT_EQ(next_version(infinity, moment), std::nullopt);
    EXPECT_EQ(next_version(std::nullopt, infinity), std::nullopt);
}

TEST(Version, NextBeginsWithTheRange)
{
    EXPECT_EQ(next_version(std::nullopt, {first_possible_version.us - hour}), first_possible_version);
    EXPECT_EQ(next_version(minus_infinity, moment), moment);
    EXPECT_EQ(next_version(Timestamp{first_possible_version.us - hour}, moment), moment);
}

TEST(Version, ASuccessorIsAMillisecondLater)
{
    EXPECT_TRUE(is_successor({moment.us + 1000}, moment));
    EXPECT_FALSE(is_successor({moment.us + 999}, moment));
    EXPECT_FALSE(is_successor(moment, moment));
    EXPECT_FALSE(is_successor({last_possible_version.us + 1}, moment));
}

TEST(Version, EveryNextFollowsFromEveryEdge)
{
    for (Timestamp current : edges())
        for (Timestamp clock : edges())
        {
            const auto next = next_version(current, clock);
            if (!next)
                continue;
            EXPECT_TRUE(is_possible_version(*next)) << current.us << " at " << clock.us;
            EXPECT_EQ(next->us % millisecond, 0) << current.us << " at " << clock.us;
            EXPECT_FALSE(same_version(*next, current)) << current.us << " at " << clock.us;
            EXPECT_TRUE(is_successor(*next, current) || !is_possible_version(current))
                << current.us << " at " << clock.us;
        }
}

TEST(Version, ComparingNeverOverflows)
{
    for (Timestamp a : edges())
        for (Timestamp b : edges())
        {
            EXPECT_EQ(same_version(a, b), same_version(b, a));
            EXPECT_FALSE(is_successor(a, b) && is_successor(b, a));
            EXPECT_FALSE(is_successor(a, b) && same_version(a, b));
        }
}

// What a client that keeps milliseconds sends back names the version it read and no other.
TEST(Version, ABaseCutToMillisecondsNamesItsVersionAlone)
{
    std::mt19937_64 random(1);
    std::uniform_int_distribution<std::int64_t> when(first_possible_version.us, last_version_to_give.us);
    std::uniform_int_distribution<std::int64_t> drift(-hour, hour);
    for (int i = 0; i < 100'000; i++)
    {
        const Timestamp version{when(random)};
        const Timestamp base = cut_to_millisecond(version);
        const auto next = next_version(version, shifted(version, drift(random)));
        ASSERT_TRUE(same_version(base, version));
        ASSERT_TRUE(next);
        ASSERT_FALSE(same_version(base, *next)) << version.us;
        ASSERT_FALSE(same_version(version, *next)) << version.us;
    }
}

TEST(Version, AChainIncreasesWhateverTheClockDoes)
{
    std::mt19937_64 random(2);
    std::uniform_int_distribution<std::int64_t> jump(-2 * hour, 2 * hour);
    Timestamp version{moment.us + 77};
    Timestamp clock = moment;
    for (int i = 0; i < 10'000; i++)
    {
        clock = shifted(clock, i % 10 == 0 ? jump(random) : i % 3);
        const auto next = next_version(version, clock);
        ASSERT_TRUE(next);
        ASSERT_GE(next->us - version.us, millisecond);
        ASSERT_GE(*next, cut_to_millisecond(clock));
        version = *next;
    }
}

// The microseconds from 2000 to the first of January of a year, by the calendar of the standard library.
Microseconds
start_of(int year)
{
    using namespace std::chrono;
    return microseconds{sys_days{std::chrono::year{year} / 1 / 1} - sys_days{2000y / 1 / 1}}.count();
}

TEST(Version, RangesBeginAndEndWithYears)
{
    EXPECT_EQ(first_possible_version.us, start_of(1));
    EXPECT_EQ(last_possible_version.us, start_of(10'000) - millisecond);
    EXPECT_EQ(last_version_to_give.us, start_of(9'999) - millisecond);
}

TEST(Version, EveryNextIsTheLaterOfClockAndOneMillisecondOn)
{
    std::mt19937_64 random(3);
    std::uniform_int_distribution<std::int64_t> when(first_possible_version.us, last_version_to_give.us);
    std::uniform_int_distribution<std::int64_t> near(-5 * millisecond, 5 * millisecond);
    for (int i = 0; i < 100'000; i++)
    {
        const Timestamp current{when(random)};
        const Timestamp clock = i % 2 ? Timestamp{when(random)} : shifted(current, near(random));
        const auto next = next_version(current, clock);
        ASSERT_TRUE(next) << current.us << " at " << clock.us;
        ASSERT_EQ(next->us % millisecond, 0) << current.us << " at " << clock.us;
        ASSERT_TRUE(is_successor(*next, current)) << current.us << " at " << clock.us;
        ASSERT_GE(*next, cut_to_millisecond(clock)) << current.us << " at " << clock.us;
        ASSERT_TRUE(*next <= clock || next->us - current.us < 2 * millisecond) << current.us << " at " << clock.us;
    }
}

TEST(Version, CutsDownToTheMillisecondBelow)
{
    std::mt19937_64 random(4);
    std::uniform_int_distribution<std::int64_t> when(first_possible_version.us, last_possible_version.us);
    for (int i = 0; i < 100'000; i++)
    {
        const Timestamp t{when(random)};
        const Timestamp cut = cut_to_millisecond(t);
        ASSERT_EQ(cut.us % millisecond, 0) << t.us;
        ASSERT_LE(cut, t);
        ASSERT_LT(t.us - cut.us, millisecond) << t.us;
        ASSERT_EQ(cut_to_millisecond(cut), cut);
    }
}

TEST(Version, AChainCrossesTheYear2000)
{
    Timestamp version{-5 * second - 1};
    for (int i = 0; i < 10'000; i++)
    {
        const auto next = next_version(version, minus_infinity);
        ASSERT_TRUE(next);
        ASSERT_EQ(next->us - version.us, i == 0 ? millisecond + 1 : millisecond);
        version = *next;
    }
    EXPECT_EQ(version, ms(5'000));
}

}  // namespace

}  // namespace crm::core
