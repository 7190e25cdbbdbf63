// What the user gave us and we refuse: a configuration, an option, a control request.
//
// The message names the place, the value and what is accepted. Thrown during start-up and by
// control requests only, never while a request is served.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_USAGE_ERROR_H_
#define LEASTWISE_TESTS_BENCH_COMMON_USAGE_ERROR_H_

#include <stdexcept>
#include <string>

namespace leastwise::bench {

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline UsageError refused(const std::string& where, const std::string& value,
                          const std::string& accepted) {
  return UsageError(where + ": " + value + " is refused; accepted: " + accepted);
}

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_USAGE_ERROR_H_
