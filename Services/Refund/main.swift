import ServiceRuntime

await serviceMain(.refund, build: refundService)
