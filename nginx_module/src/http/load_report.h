// Load report: what a server says of its own load in a header or a trailer of its answer.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_LOAD_REPORT_H_
#define LEASTWISE_NGINX_MODULE_HTTP_LOAD_REPORT_H_

#include "http/ngx.h"
#include "leastwise/config.h"
#include "leastwise/load_report.h"

namespace leastwise::nginx {

// Of the answer that the upstream has begun. Headers of a client are never looked at.
LoadReport read_report(const ngx_http_upstream_t& u, const ReportMetric& metric) noexcept;

// Takes the report off the answer to the client.
void hide_report(ngx_http_request_t& r) noexcept;
// The same of its trailers, which nginx passes on after the attempt has ended.
void hide_report_trailer(ngx_http_upstream_t& u) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_LOAD_REPORT_H_
