#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "user.h"

namespace crm::hammer {

// What a user has seen of a customer, as on a page left open.
struct Page
{
    std::optional<std::string> status;
    ServerTime version;
    std::optional<ServerTime> older_version;
    std::optional<std::int64_t> latest_comment;
};

// The pages of one user, by customer.
class Pages
{
public:
    explicit Pages(User &user) : user_(user) {}

    // Reads the customer and returns its page; none where there is no such customer.
    const Page *look(std::int64_t customer);

    // The page as it was left open; the customer is read where there is none.
    const Page *open(std::int64_t customer);

    std::optional<std::int64_t> latest_comment(std::int64_t customer) const;

    // Takes over what an answer shows of the customer.
    void remember(const Attempt &told);

    // Takes over the id of a bare comment.
    void remember_comment(const Attempt &told);

private:
    User &user_;
    std::unordered_map<std::int64_t, Page> pages_;
};

}  // namespace crm::hammer
