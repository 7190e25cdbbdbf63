// Source: whoever says which servers there should be.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_SOURCE_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_SOURCE_H_

#include <poll.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "discovery/targets.h"
#include "leastwise/clock.h"

namespace leastwise::discovery {

// A thing that happened, for the log. Repeated news are told once.
struct News {
  enum class Kind : std::uint8_t { kInfo, kWarning };
  Kind kind = Kind::kInfo;
  std::string text;
};

struct SourceFigures {
  std::uint64_t answers = 0;  // lists, events, bookmarks; of the DNS whole rounds
  std::map<std::string, std::uint64_t, std::less<>> failures{};  // by reason: "403", "unreachable"
};

class Source {
 public:
  virtual ~Source() = default;

  // Does what is due, and says when something is due again.
  virtual TimePoint poll(TimePoint now) = 0;

  // None until the first answer; then the last that was given, however long ago: a source that is
  // away takes nobody out.
  const std::optional<Targets>& targets() const noexcept { return targets_; }
  bool is_current() const noexcept { return trouble_.empty() && targets_.has_value(); }
  const std::string& trouble() const noexcept { return trouble_; }  // empty: none
  const SourceFigures& figures() const noexcept { return figures_; }
  std::vector<News> take_news() { return std::exchange(news_, {}); }

  // Sockets that poll(2) is to look at besides those of net::Transfers.
  virtual void add_descriptors(std::vector<pollfd>& /*out*/) const {}
  virtual void on_ready(const pollfd& /*fd*/, TimePoint /*now*/) {}

 protected:
  void report(News::Kind kind, std::string text) { news_.push_back({kind, std::move(text)}); }
  // The first of several like it is news; so is its end.
  void report_trouble(std::string_view reason, std::string text,
                      std::string_view who_stays = "the servers stay as they are") {
    note_failure(reason);
    if (text == trouble_) return;
    trouble_ = std::move(text);
    report(News::Kind::kWarning, trouble_ + (targets_ ? "; " + std::string(who_stays) : ""));
  }
  void report_success() {
    note_answer();
    if (!trouble_.empty()) report(News::Kind::kInfo, "answers again");
    trouble_.clear();
  }
  void note_answer() noexcept { ++figures_.answers; }
  void note_failure(std::string_view reason) { ++figures_.failures[std::string(reason)]; }

  std::optional<Targets> targets_;

 private:
  SourceFigures figures_;
  std::string trouble_;
  std::vector<News> news_;
};

}  // namespace leastwise::discovery

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_SOURCE_H_
