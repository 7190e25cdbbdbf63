// Any datagram may arrive on the feedback port.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "haproxy/termination.h"

using namespace leastwise;
using namespace leastwise::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  FeedbackLine line;
  if (parse_feedback_line(text, line) != LineKind::kOurs) return 0;
  for (const Sample sample : {Sample::kAuto, Sample::kFirstByte, Sample::kFull}) {
    const Outcome outcome = outcome_of(line, sample, std::chrono::milliseconds(20));
    if (outcome.occupied < kUnknownDuration || outcome.connect < kUnknownDuration) std::abort();
    if (outcome.status > 999) std::abort();
  }
  return 0;
}
