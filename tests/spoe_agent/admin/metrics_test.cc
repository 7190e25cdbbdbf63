#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "admin/status.h"
#include "leastwise/status_page.h"

namespace leastwise::agent {
namespace {

std::string manual() {
  std::vector<char> buffer(64 * 1024);
  Text out(buffer);
  out << "# Metrics\n\n"
         "Printed from the tables in `core/src/render/prometheus.cc` and "
         "`spoe_agent/src/admin/status.cc`; a test compares.\n"
         "`leastwise_status prometheus;` in nginx, `/metrics` of the agent, text format 0.0.4.\n\n"
         "`proxy` is `nginx` or `haproxy`, `upstream` the upstream or backend (`stream/NAME` in "
         "nginx's stream), `peer` the server's\naddress and port, `server` its name, in HAProxy "
         "only: they join with `haproxy_server_*{proxy,server}` by\n`label_replace`. The buckets "
         "of the histogram are a factor of 1.33 or 1.5 apart from 0.77 ms to 67 s.\n"
         "What to watch of them is in [operations](operations.md); a dashboard and alerts are in "
         "`examples/grafana/` and `examples/prometheus/`.\n\n"
         "## Of pools and servers\n\n";
  render_metrics(out);
  out << "\n## Of the agent\n\n";
  render_agent_metrics(out);
  EXPECT_TRUE(out.fits());
  return std::string(out.view());
}

// Written anew with LEASTWISE_UPDATE_DOCS=1.
TEST(MetricsTest, TheManualIsWhatTheTablesSay) {
  const std::string wanted = manual();
  if (std::getenv("LEASTWISE_UPDATE_DOCS") != nullptr) {
    std::ofstream(LEASTWISE_DOCS "/metrics.md") << wanted;
  }
  std::ifstream file(LEASTWISE_DOCS "/metrics.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), wanted);
}

}  // namespace
}  // namespace leastwise::agent
