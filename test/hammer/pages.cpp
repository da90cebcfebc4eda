#include "pages.h"

namespace crm::hammer {

const Page *
Pages::look(std::int64_t customer)
{
    remember(user_.read(customer));
    const auto page = pages_.find(customer);
    return page == pages_.end() ? nullptr : &page->second;
}

const Page *
Pages::open(std::int64_t customer)
{
    const auto page = pages_.find(customer);
    return page == pages_.end() ? look(customer) : &page->second;
}

std::optional<std::int64_t>
Pages::latest_comment(std::int64_t customer) const
{
    const auto page = pages_.find(customer);
    return page == pages_.end() ? std::nullopt : page->second.latest_comment;
}

void
Pages::remember(const Attempt &told)
{
    if (told.reply == Reply::failed)
        pages_.erase(told.customer);
    if (told.reply != Reply::answered)
        return;
    if (told.outcome == "none" || told.outcome == "deleted" || told.outcome == "not_found" || !told.answer_version)
    {
        pages_.erase(told.customer);
        return;
    }

    Page &page =
        pages_.try_emplace(told.customer, Page{told.answer_status, *told.answer_version, {}, {}}).first->second;
    if (page.version != *told.answer_version)
        page = Page{told.answer_status, *told.answer_version, page.version, page.latest_comment};
    if (told.action == Action::read)
        page.latest_comment = told.latest_comment;
    else if (told.answer_comment)
        page.latest_comment = told.answer_comment;
}

void
Pages::remember_comment(const Attempt &told)
{
    if (told.reply == Reply::failed)
        pages_.erase(told.customer);
    else if (const auto page = pages_.find(told.customer); page != pages_.end() && told.answer_comment)
        page->second.latest_comment = told.answer_comment;
}

}  // namespace crm::hammer
