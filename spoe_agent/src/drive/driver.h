// Driver: keeps the servers of one pool of a proxy as they are wanted.
#ifndef LEASTWISE_SPOE_AGENT_DRIVE_DRIVER_H_
#define LEASTWISE_SPOE_AGENT_DRIVE_DRIVER_H_

#include <poll.h>

#include <cstdint>
#include <string>
#include <vector>

#include "discovery/reconcile.h"
#include "discovery/targets.h"
#include "leastwise/clock.h"

namespace leastwise::drive {

struct DriverFigures {
  std::uint64_t added = 0, removed = 0, drained = 0, refused = 0;
  std::uint64_t asked = 0, unanswered = 0;  // requests to the proxy; of HAProxy rounds and commands
  std::size_t servers = 0;                  // that the proxy has, of ours
  bool is_settled = false;                  // it has what is wanted
};

class Driver {
 public:
  virtual ~Driver() = default;

  // Replaces what was wanted. Until the first call nothing is changed.
  virtual void want(const discovery::Targets& targets) = 0;
  // Does what is due, and says when something is due again.
  virtual TimePoint poll(TimePoint now) = 0;
  virtual void add_descriptors(std::vector<pollfd>& /*out*/) const {}
  virtual void on_ready(const pollfd& /*fd*/, TimePoint /*now*/) {}

  const DriverFigures& figures() const noexcept { return figures_; }
  const std::string& trouble() const noexcept { return trouble_; }  // empty: none

 protected:
  // Of those of whom the log has its line already: log_changes() says nothing of them.
  void count_refused(std::uint64_t n) noexcept {
    figures_.refused += n;
    logged_.refused += n;
  }
  void count(discovery::Action action) noexcept;
  // One line for all since the last. Refusals may go without saying: who is refused the same each
  // second is told of it once.
  void log_changes(const std::string& pool, bool says_refused = true);

  DriverFigures figures_;
  std::string trouble_;

 private:
  DriverFigures logged_;
};

// "added", "draining", …
const char* verb_of(discovery::Action action) noexcept;

}  // namespace leastwise::drive

#endif  // LEASTWISE_SPOE_AGENT_DRIVE_DRIVER_H_
