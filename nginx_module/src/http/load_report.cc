#include "http/load_report.h"

#include "reports/orca.h"

namespace leastwise::nginx {
namespace {

constexpr LoadReport kTwice{.state = LoadReport::State::kRefused};

bool is(const ngx_table_elt_t& header, std::string_view name) noexcept {
  ngx_str_t wanted = to_ngx(name);
  return header.key.len == wanted.len &&
         ngx_strncasecmp(header.key.data, wanted.data, wanted.len) == 0;
}

template <typename Visit>
void for_each_header(ngx_list_t& headers, Visit visit) noexcept {
  for (ngx_list_part_t* part = &headers.part; part != nullptr; part = part->next) {
    auto* elements = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) visit(elements[i]);
  }
}

}  // namespace

LoadReport read_report(const ngx_http_upstream_t& u, const ReportMetric& metric) noexcept {
  LoadReport report;
  if (!metric.is_on()) return report;
  auto& headers = const_cast<ngx_list_t&>(u.headers_in.headers);  // is read only
  for_each_header(headers, [&](const ngx_table_elt_t& h) noexcept {
    const bool is_bin = is(h, kOrcaBinHeader);
    if (!is_bin && !is(h, kOrcaHeader)) return;
    if (report.state != LoadReport::State::kNone) {
      report = kTwice;
    } else {
      report = is_bin ? read_orca_bin(view(h.value), metric) : read_orca(view(h.value), metric);
    }
  });
  return report;
}

void hide_report(ngx_http_request_t& r) noexcept {
  for_each_header(r.headers_out.headers, [](ngx_table_elt_t& h) noexcept {
    if (is(h, kOrcaHeader) || is(h, kOrcaBinHeader)) h.hash = 0;  // nginx sends none of these
  });
}

}  // namespace leastwise::nginx
