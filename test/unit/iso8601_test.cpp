#include "core/iso8601.h"

#include <gtest/gtest.h>

#include "core/version.h"

namespace crm::core {

namespace {

std::string
text(Timestamp t)
{
    return std::string(Iso8601(t).text());
}

TEST(Iso8601, ShowsTheFractionWithoutTrailingZeros)
{
    EXPECT_EQ(text({0}), "2000-01-01T00:00:00+00:00");
    EXPECT_EQ(text({100 * millisecond}), "2000-01-01T00:00:00.1+00:00");
    EXPECT_EQ(text({1}), "2000-01-01T00:00:00.000001+00:00");
    EXPECT_EQ(text({820'454'400 * second + 123'450}), "2025-12-31T00:00:00.12345+00:00");
}

TEST(Iso8601, CountsBackwardsBeforeTheEpoch)
{
    EXPECT_EQ(text({-1}), "1999-12-31T23:59:59.999999+00:00");
    EXPECT_EQ(text({-second}), "1999-12-31T23:59:59+00:00");
}

TEST(Iso8601, KnowsLeapDays)
{
    EXPECT_EQ(text({(31 + 28) * (24 * hour)}), "2000-02-29T00:00:00+00:00");
    EXPECT_EQ(text({(366 + 31 + 28) * (24 * hour)}), "2001-03-01T00:00:00+00:00");
}

TEST(Iso8601, ReachesFromTheFirstPossibleVersionToTheLast)
{
    EXPECT_EQ(text(first_possible_version), "0001-01-01T00:00:00+00:00");
    EXPECT_EQ(text(last_possible_version), "9999-12-31T23:59:59.999+00:00");
}

}  // namespace

}  // namespace crm::core
