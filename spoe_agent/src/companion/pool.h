// A pool of a proxy, with who says its servers and who tells the proxy.
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_POOL_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_POOL_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "discovery/source.h"
#include "drive/driver.h"

namespace leastwise::companion {

class PoolKeeper {
 public:
  PoolKeeper(std::string name, std::unique_ptr<discovery::Source> source,
             std::unique_ptr<drive::Driver> driver)
      : name_(std::move(name)), source_(std::move(source)), driver_(std::move(driver)) {}

  // Does what is due, and says when something is due again.
  TimePoint poll(TimePoint now);

  const std::string& name() const noexcept { return name_; }
  discovery::Source& source() noexcept { return *source_; }
  drive::Driver& driver() noexcept { return *driver_; }
  const discovery::Source& source() const noexcept { return *source_; }
  const drive::Driver& driver() const noexcept { return *driver_; }

 private:
  void log_news();

  std::string name_;
  std::unique_ptr<discovery::Source> source_;
  std::unique_ptr<drive::Driver> driver_;
  std::optional<discovery::Targets> given_;  // to the driver
};

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_POOL_H_
