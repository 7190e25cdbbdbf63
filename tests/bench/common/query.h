// The query of a request target as a list of decoded (name, value) pairs, in order.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_QUERY_H_
#define LEASTWISE_TESTS_BENCH_COMMON_QUERY_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leastwise::bench {

using Query = std::vector<std::pair<std::string, std::string>>;

// "/a?x=1" → "/a". Does not decode.
std::string_view path_of(std::string_view target) noexcept;

// "/a?x=1&y" → {{"x","1"},{"y",""}}. "%3A" is decoded, "+" stays.
Query query_of(std::string_view target);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_QUERY_H_
