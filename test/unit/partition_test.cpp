#include "core/partition.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace crm::core {

namespace {

nlohmann::json
published()
{
    return nlohmann::json::parse(std::ifstream(CRM_PARTITIONS_FILE));
}

TEST(Partition, IsAsPublished)
{
    const auto vectors = published().at("vectors");
    ASSERT_GT(vectors.size(), 20U);
    for (const auto &vector : vectors)
        for (const auto &[partitions, partition] : vector.at("partition").items())
            EXPECT_EQ(partition_of(vector.at("key").get<std::string>(), std::stoi(partitions)), partition)
                << vector.at("key") << " of " << partitions;
}

TEST(Partition, CountIsAPowerOfTwo)
{
    for (int bit = 0; bit < 31; ++bit)
        EXPECT_TRUE(is_partition_count(std::int64_t{1} << bit));
    const auto refused = published().at("refused");
    ASSERT_FALSE(refused.empty());
    for (const auto &partitions : refused)
        EXPECT_FALSE(is_partition_count(partitions.get<std::int64_t>())) << partitions;
}

}  // namespace

}  // namespace crm::core
