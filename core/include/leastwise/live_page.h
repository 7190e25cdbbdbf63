// Live page: the status for people, one file of HTML that asks for "?json" where it was got.
//
// Its sources are in src/render/page/; embed.py makes them one text at build time, with the policy
// that lets a browser run nothing but what was in them.
#ifndef LEASTWISE_LIVE_PAGE_H_
#define LEASTWISE_LIVE_PAGE_H_

#include <string_view>

namespace leastwise {

inline constexpr std::string_view kLivePageType = "text/html; charset=utf-8";
// The query by which the page asks for the status as JSON.
inline constexpr std::string_view kLivePageQuery = "json";

std::string_view live_page() noexcept;
// Of the header Content-Security-Policy.
std::string_view live_page_policy() noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_LIVE_PAGE_H_
