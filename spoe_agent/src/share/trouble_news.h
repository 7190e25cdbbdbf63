// TroubleNews: which troubles and recoveries of sharing the log is told.
//
// A trouble is told at once, and its cause then once a minute as long as there is no recovery, also
// where causes take turns. A recovery is told once in kRest at most: where one came sooner, it is
// told once that is over, if all is well then. A recovery that was told ends what was said of
// causes: whatever comes next is told, so the last line is never that of a state that is over, but
// for a recovery that is still to be told.
#ifndef LEASTWISE_SPOE_AGENT_SHARE_TROUBLE_NEWS_H_
#define LEASTWISE_SPOE_AGENT_SHARE_TROUBLE_NEWS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "leastwise/clock.h"

namespace leastwise::agent {

class TroubleNews {
 public:
  static constexpr Duration kTellAgain = std::chrono::seconds(60);
  static constexpr Duration kRest = std::chrono::seconds(10);
  static constexpr std::size_t kMostCauses = 8;  // between two recoveries, within kTellAgain

  enum class Well : std::uint8_t { kNoNews, kFirst, kAgain };

  // Whether it is to be told.
  bool trouble(const std::string& cause, TimePoint now);
  // To be called as long as all is well.
  Well well(TimePoint now);

 private:
  std::map<std::string, TimePoint> told_;  // causes, and since when
  std::optional<TimePoint> recovered_;     // when that was told last
  bool was_well_ = false;
  bool is_told_well_ = false;  // the last line said so
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_TROUBLE_NEWS_H_
