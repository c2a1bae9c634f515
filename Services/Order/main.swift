import ServiceRuntime

await serviceMain(.order, build: orderService)
