#include "http/load_report.h"

#include "http/headers.h"
#include "reports/orca.h"

namespace leastwise::nginx {
namespace {

constexpr LoadReport kTwice{.state = LoadReport::State::kRefused};

bool is_report(const ngx_table_elt_t& h) noexcept {
  return is_named(h, kOrcaHeader) || is_named(h, kOrcaBinHeader);
}

// nginx sends none of a hash of zero.
void hide(const ngx_list_t& headers) noexcept {
  for_each_header(headers, [](ngx_table_elt_t& h) noexcept {
    if (is_report(h)) h.hash = 0;
  });
}

}  // namespace

LoadReport read_report(const ngx_http_upstream_t& u, const ReportMetric& metric) noexcept {
  LoadReport report;
  if (!metric.is_on()) return report;
  const auto look = [&](const ngx_table_elt_t& h) noexcept {
    if (!is_report(h)) return;
    if (report.state != LoadReport::State::kNone) {
      report = kTwice;
    } else if (is_named(h, kOrcaBinHeader)) {
      report = read_orca_bin(view(h.value), metric);
    } else {
      report = read_orca(view(h.value), metric);
    }
  };
  for_each_header(u.headers_in.headers, look);
  for_each_header(u.headers_in.trailers, look);
  return report;
}

void hide_report(ngx_http_request_t& r) noexcept { hide(r.headers_out.headers); }

void hide_report_trailer(ngx_http_upstream_t& u) noexcept { hide(u.headers_in.trailers); }

}  // namespace leastwise::nginx
