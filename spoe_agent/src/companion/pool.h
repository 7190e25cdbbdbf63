// A pool of a proxy, with who says its servers and who tells the proxy.
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_POOL_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_POOL_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "companion/file.h"
#include "companion/metrics.h"
#include "discovery/source.h"
#include "drive/driver.h"

namespace leastwise::companion {

class PoolKeeper {
 public:
  PoolKeeper(PoolConfig config, std::unique_ptr<discovery::Source> source,
             std::unique_ptr<drive::Driver> driver);

  // Does what is due, and says when something is due again.
  TimePoint poll(TimePoint now);

  const PoolConfig& config() const noexcept { return config_; }
  const std::string& name() const noexcept { return name_; }  // "upstream app"
  discovery::Source& source() noexcept { return *source_; }
  drive::Driver& driver() noexcept { return *driver_; }
  const discovery::Source& source() const noexcept { return *source_; }
  const drive::Driver& driver() const noexcept { return *driver_; }
  PoolFigures figures(TimePoint now) const;

 private:
  void log_news();

  PoolConfig config_;
  std::string name_;
  std::unique_ptr<discovery::Source> source_;
  std::unique_ptr<drive::Driver> driver_;
  std::optional<discovery::Targets> given_;  // to the driver
  std::uint64_t answers_ = 0;                // of the source, at the last look
  std::optional<TimePoint> answered_, settled_;
};

std::string_view word_of(Kind kind);

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_POOL_H_
